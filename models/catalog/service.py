"""Services: what a customer books, and by which rules. The rows and the verbs on them."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models import checks
from models.catalog import service_option
from models.enums import ChangeAction, ChangeKind
from models.log.change_log import LoggedTransaction, write
from models.refusals import ErrorCode, Refusal, Refused, refused
from models.scheduling.availability import Rules
from models.scheduling.intervals import Interval, to_instant
from models.storage import queries
from models.storage.columns import Instant, belongs_to, new_id
from models.storage.db import Row

RULE_COLUMNS = (
    "duration_minutes",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "slot_step_minutes",
    "minimum_notice_minutes",
    "booking_horizon_days",
)
OFFER_COLUMNS = ("id", "business_id", "active", *RULE_COLUMNS)
"""The columns from which `models.actions.load_offer` builds an offer."""

OCCUPYING = ("starts_at", "ends_at", "buffer_before_minutes", "buffer_after_minutes")
"""The columns of a booking or a hold that `lengths` and `occupied` read."""

MINUTES = ("buffer_before_minutes", "buffer_after_minutes", "minimum_notice_minutes", "change_notice_minutes")
_DEFAULTS = dict.fromkeys(MINUTES, 0)


class Service(Model):
    """What a customer books. Lengths are minutes. `booking_horizon_days` null means no limit."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    name = fields.CharField(max_length=200)
    description = fields.TextField(null=True)
    duration_minutes = fields.IntField()
    buffer_before_minutes = fields.IntField(default=0)
    buffer_after_minutes = fields.IntField(default=0)
    slot_step_minutes = fields.IntField()
    minimum_notice_minutes = fields.IntField(default=0)
    booking_horizon_days = fields.IntField(null=True)
    change_notice_minutes = fields.IntField(default=0)
    price_amount = fields.CharField(max_length=20, null=True)
    price_currency = fields.CharField(max_length=3, null=True)
    active = fields.BooleanField(default=True)
    created_at = Instant()

    class Meta:
        table = "service"
        indexes = (Index(fields=("business_id", "name", "id")),)


async def create(business_id: UUID, values: Mapping[str, Any]) -> UUID | Refused:
    """Creates a service. `values` are its columns, and optionally `option_ids`; missing columns get their defaults."""
    values = checks.tidy_catalog_texts(values)
    if refusals := validate(values):
        return Refused(refusals)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        given = {key: value for key, value in values.items() if key != "option_ids" and value is not None}
        row = {"slot_step_minutes": values["duration_minutes"], **_DEFAULTS, **given}
        service_id = new_id()
        option_ids = values.get("option_ids") or ()
        if missing := await service_option.missing("Option", business_id, option_ids, "optionIds"):
            return missing
        await Service.create(id=service_id, business_id=business_id, created_at=work.now, **row)
        await service_option.replace_options(work, service_id, option_ids)
        work.record(ChangeKind.SERVICE, service_id, ChangeAction.UPSERTED, option_ids)
        return service_id

    return await write(business_id, body)


def validate(values: Mapping[str, Any]) -> list[Refusal]:
    """Returns a refusal for each wrong value of a service."""
    refusals = checks.refusals(
        checks.name(values["name"], "name") if values.get("name") is not None else None,
        checks.text(values.get("description"), "description"),
        *(
            checks.number(values.get(each), checks.camel(each), least=1, most=checks.LONGEST_MINUTES)
            for each in ("duration_minutes", "slot_step_minutes")
        ),
        *(
            checks.number(values.get(each), checks.camel(each), least=0, most=checks.LONGEST_MINUTES * 12)
            for each in MINUTES
        ),
        checks.length(values.get("option_ids"), "optionIds"),
        checks.number(values.get("booking_horizon_days"), "bookingHorizonDays", least=0, most=checks.LONGEST_DAYS),
    )
    return [*refusals, *checks.price(values.get("price_amount"), values.get("price_currency"), "price")]


def not_found() -> Refused:
    """Builds the refusal: there is no such service in this business."""
    return refused(ErrorCode.NOT_FOUND, "There is no such service.", "input", "serviceId")


def option_not_found() -> Refused:
    """Builds the refusal: there is no such option to take the service."""
    return refused(ErrorCode.NOT_FOUND, "There is no such option.", "input", "optionId")


def rules(row: Row) -> Rules:
    """Builds the evaluator's rules from a row with RULE_COLUMNS."""
    return Rules(
        duration=row["duration_minutes"],
        step=row["slot_step_minutes"],
        buffer_before=row["buffer_before_minutes"],
        buffer_after=row["buffer_after_minutes"],
        notice=row["minimum_notice_minutes"],
        horizon_days=row["booking_horizon_days"],
    )


def lengths(row: Row) -> dict[str, int]:
    """Returns the duration and buffers of a booking or a hold, in minutes, named as in `Rules`. They stay as they were
    when it was made, whatever its service says now.
    """
    return {
        "duration": (row["ends_at"] - row["starts_at"]) // timedelta(minutes=1),
        "buffer_before": row["buffer_before_minutes"],
        "buffer_after": row["buffer_after_minutes"],
    }


def occupied(row: Row) -> Interval:
    """Returns the time that a booking or a hold takes of its option, buffers included."""
    return Rules(step=1, **lengths(row)).occupied(to_instant(row["starts_at"]))


async def read(business_id: UUID, service_id: UUID, columns: Iterable[str]) -> Row | None:
    """Returns these columns of one service; None when there is none."""
    return await queries.row(Service, business_id, service_id, columns)
