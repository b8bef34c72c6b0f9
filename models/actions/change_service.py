"""The verb that changes a service, and records a change of the bookings and holds that show it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from models import checks
from models.actions import affected_entries
from models.catalog import service, service_option
from models.catalog.service import Service
from models.enums import ChangeAction, ChangeKind
from models.log.change_log import LoggedTransaction, write
from models.refusals import Refused


async def change_service(business_id: UUID, service_id: UUID, values: Mapping[str, Any]) -> UUID | Refused:
    """Changes the given columns of a service; `option_ids`, when given, replaces the options that offer it."""
    kept = ("name", "duration_minutes", "slot_step_minutes", "active", "option_ids", *service.MINUTES)
    values = checks.tidy_catalog_texts(values)
    if refusals := [*checks.required(values, kept), *service.validate(values)]:
        return Refused(refusals)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = {key: value for key, value in values.items() if key != "option_ids"}
        known = await service.read(business_id, service_id, {"id", *row})
        if known is None:
            return service.not_found()
        before = await service_option.options_of(service_id)
        after = values.get("option_ids", before)
        if missing := await service_option.missing("Option", business_id, after, "optionIds"):
            return missing
        if "option_ids" in values:
            await service_option.replace_options(work, service_id, after)
        if row:
            await Service.filter(id=service_id).update(**row)
        work.record(ChangeKind.SERVICE, service_id, ChangeAction.UPSERTED, {*before, *after})
        await affected_entries.record_for_service(work, service_id, affected_entries.changed_columns(known, row))
        return service_id

    return await write(business_id, body)
