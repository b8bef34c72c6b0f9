"""Offerings: which option offers which service."""

from collections.abc import Collection
from typing import Literal
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.log.change_log import LoggedTransaction
from models.refusals import ErrorCode, Refused, refused
from models.storage import db
from models.storage.columns import belongs_to, new_id


class Offering(Model):
    """One option offers one service."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    service = belongs_to("Service")
    service_id: UUID
    option = belongs_to("Option")
    option_id: UUID

    class Meta:
        table = "offering"
        unique_together = (("service", "option"),)
        indexes = (Index(fields=("option_id",)),)


async def missing(
    table: Literal["Option", "Service"], business_id: UUID, ids: Collection[UUID], field: str
) -> Refused | None:
    """Refuses the input field when the business has no row for some of the ids."""
    if await db.table(table).filter(business_id=business_id, id__in=list(ids)).count() == len(set(ids)):
        return None
    return refused(ErrorCode.NOT_FOUND, "Not every id in the list is known here.", "input", field)


async def replace_services(work: LoggedTransaction, option_id: UUID, service_ids: Collection[UUID]) -> None:
    """Makes an option offer exactly these services."""
    await Offering.filter(option_id=option_id).delete()
    await _add(work, {(service_id, option_id) for service_id in service_ids})


async def replace_options(work: LoggedTransaction, service_id: UUID, option_ids: Collection[UUID]) -> None:
    """Makes exactly these options offer a service."""
    await Offering.filter(service_id=service_id).delete()
    await _add(work, {(service_id, option_id) for option_id in option_ids})


async def _add(work: LoggedTransaction, pairs: set[tuple[UUID, UUID]]) -> None:
    if pairs:
        await Offering.bulk_create(
            [
                Offering(business_id=work.business_id, service_id=service_id, option_id=option_id)
                for service_id, option_id in sorted(pairs)
            ]
        )


async def options_of(service_id: UUID) -> list[UUID]:
    """Returns the ids of the options that offer a service."""
    return [row["option_id"] for row in await db.select(Offering.filter(service_id=service_id), ("option_id",))]
