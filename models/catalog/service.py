"""Services: what a customer books, and which options offer it. The rows and the verbs on them."""

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
"""What an offer needs of a service's row."""

OCCUPYING = ("starts_at", "ends_at", "buffer_before_minutes", "buffer_after_minutes")
"""What `lengths` and `occupied` need of a booking's or a hold's row."""

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
    """A new service. `values` are its columns, and optionally `option_ids`; what is left out has its default."""
    values = checks.named(values)
    if wrong := validate(values):
        return Refused(wrong)

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
    """What is wrong with a service's values, field by field."""
    wrong = checks.found(
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
    return [*wrong, *checks.price(values.get("price_amount"), values.get("price_currency"), "price")]


def not_found() -> Refused:
    """There is no such service in this business."""
    return refused(ErrorCode.NOT_FOUND, "There is no such service.", "input", "serviceId")


def option_not_found() -> Refused:
    """There is no such option to take the service."""
    return refused(ErrorCode.NOT_FOUND, "There is no such option.", "input", "optionId")


def rules(row: Row) -> Rules:
    """The evaluator's view of a row that has RULE_COLUMNS."""
    return Rules(
        duration=row["duration_minutes"],
        step=row["slot_step_minutes"],
        buffer_before=row["buffer_before_minutes"],
        buffer_after=row["buffer_after_minutes"],
        notice=row["minimum_notice_minutes"],
        horizon_days=row["booking_horizon_days"],
    )


def lengths(row: Row) -> dict[str, int]:
    """The lengths that a booking or a hold was made with, in minutes, as the Rules that count for it."""
    return {
        "duration": (row["ends_at"] - row["starts_at"]) // timedelta(minutes=1),
        "buffer_before": row["buffer_before_minutes"],
        "buffer_after": row["buffer_after_minutes"],
    }


def occupied(row: Row) -> Interval:
    """What the option of a booking or a hold is taken for, buffers included."""
    return Rules(step=1, **lengths(row)).occupied(to_instant(row["starts_at"]))


async def read(business_id: UUID, service_id: UUID, columns: Iterable[str]) -> Row | None:
    """The asked columns of one service."""
    return await queries.row(Service, business_id, service_id, columns)
