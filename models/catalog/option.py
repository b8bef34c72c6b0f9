"""Options: what customers book, and when it is open. The rows and the verbs on them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models import checks
from models.catalog import service_option
from models.enums import ChangeAction, ChangeKind
from models.log.change_log import LoggedTransaction, write
from models.refusals import ErrorCode, Refusal, Refused, refused
from models.scheduling.hours import Schedule, TimeRange
from models.storage.columns import Instant, belongs_to, new_id
from models.storage.db import Row
from models.storage.queries import Statement

WeeklyRange = tuple[int, TimeRange]


class Option(Model):
    """One person, room or thing. `opening_hours` is a list of [weekday 0-6 from Monday, "HH:MM", "HH:MM"]."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    name = fields.CharField(max_length=200)
    kind = fields.CharField(max_length=16)
    description = fields.TextField(null=True)
    color = fields.CharField(max_length=7, null=True)
    time_zone = fields.CharField(max_length=64)
    opening_hours = fields.JSONField[list[list[int | str]]](default=list)
    active = fields.BooleanField(default=True)
    created_at = Instant()

    class Meta:
        table = "option"
        indexes = (Index(fields=("business_id", "name", "id")),)


class DateOverride(Model):
    """Other opening hours for one date. `intervals` is a list of ["HH:MM", "HH:MM"]; empty means closed."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option")
    option_id: UUID
    date = fields.DateField()
    intervals = fields.JSONField[list[list[str]]](default=list)

    class Meta:
        table = "date_override"
        unique_together = (("option", "date"),)


_SEVERAL = Statement(
    Option, "WHERE option.business_id = :business_id AND option.id IN :ids ORDER BY option.name, option.id"
)
_OVERRIDES = Statement(
    DateOverride,
    """
    WHERE date_override.option_id IN :ids AND date_override.date >= :first AND date_override.date < :last
    ORDER BY date_override.date
    """,
)


async def create(business_id: UUID, values: Mapping[str, Any]) -> UUID | Refused:
    """Creates an option. `values` are its columns, and optionally `service_ids` and `opening_hours` (weekly ranges)."""
    values = checks.tidy_catalog_texts(values)
    if refusals := validate(values):
        return Refused(refusals)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = {key: value for key, value in values.items() if key not in ("service_ids", "opening_hours")}
        option_id = new_id()
        service_ids = values.get("service_ids") or ()
        if missing := await service_option.missing("Service", business_id, service_ids, "serviceIds"):
            return missing
        hours = stored_hours(values.get("opening_hours") or ())
        await Option.create(id=option_id, business_id=business_id, created_at=work.now, opening_hours=hours, **row)
        await service_option.replace_services(work, option_id, service_ids)
        work.record(ChangeKind.OPTION, option_id, ChangeAction.UPSERTED, [option_id])
        return option_id

    return await write(business_id, body)


async def set_opening_hours(business_id: UUID, option_id: UUID, hours: Sequence[WeeklyRange]) -> UUID | Refused:
    """Replaces an option's weekly hours."""
    stored = stored_hours(hours)
    if len(hours) > 100:
        return Refused([checks.invalid("At most 100 intervals a week.", "openingHours")])

    async def body(work: LoggedTransaction) -> UUID | Refused:
        if not await Option.filter(business_id=business_id, id=option_id).update(opening_hours=stored):
            return not_found()
        work.record(ChangeKind.OPTION, option_id, ChangeAction.UPSERTED, [option_id])
        return option_id

    return await write(business_id, body)


async def set_date_override(
    business_id: UUID, option_id: UUID, day: date, intervals: Sequence[TimeRange] | None
) -> UUID | Refused:
    """Replaces the hours of one date. An empty list closes it; None removes the override."""
    if intervals is not None and len(intervals) > 24:
        return Refused([checks.invalid("At most 24 intervals a day.", "intervals")])

    async def body(work: LoggedTransaction) -> UUID | Refused:
        if not await Option.filter(business_id=business_id, id=option_id).exists():
            return not_found()
        await DateOverride.filter(option_id=option_id, date=day).delete()
        if intervals is not None:
            stored = [[checks.label(each.opens), checks.label(each.closes)] for each in intervals]
            await DateOverride.create(business_id=business_id, option_id=option_id, date=day, intervals=stored)
        work.record(ChangeKind.OPTION, option_id, ChangeAction.UPSERTED, [option_id])
        return option_id

    return await write(business_id, body)


def validate(values: Mapping[str, Any]) -> list[Refusal]:
    """Returns a refusal for each wrong value of an option."""
    refusals = checks.refusals(
        checks.name(values["name"], "name") if values.get("name") is not None else None,
        checks.text(values.get("description"), "description"),
        checks.color(values.get("color"), "color"),
        checks.length(values.get("service_ids"), "serviceIds"),
    )
    if len(values.get("opening_hours") or ()) > 100:
        refusals.append(checks.invalid("At most 100 intervals a week.", "openingHours"))
    return refusals


def not_found() -> Refused:
    """Builds the refusal: there is no such option in this business."""
    return refused(ErrorCode.NOT_FOUND, "There is no such option.", "input", "optionId")


def stored_hours(hours: Iterable[WeeklyRange]) -> list[list[int | str]]:
    """Converts weekly ranges to what the row stores: in order, without repetitions."""
    rows = {(day, checks.label(each.opens), checks.label(each.closes)) for day, each in hours}
    return [list(row) for row in sorted(rows)]


def weekly_hours(stored: Iterable[Sequence[Any]]) -> list[WeeklyRange]:
    """Converts what the row stores back to weekly ranges."""
    return [(int(day), time_range(opens, closes)) for day, opens, closes in stored]


def time_range(opens: str, closes: str) -> TimeRange:
    """Converts a stored pair of HH:MM labels to a range."""
    return TimeRange(time.fromisoformat(opens), time.fromisoformat(closes))


def schedule(row: Row, overrides: Iterable[Row] = ()) -> Schedule:
    """Builds the schedule of an option from its row (`time_zone`, `opening_hours`) and its date overrides."""
    weekly: dict[int, list[TimeRange]] = {}
    for day, each in weekly_hours(row["opening_hours"]):
        weekly.setdefault(day, []).append(each)
    replaced = {each["date"]: [time_range(*pair) for pair in each["intervals"]] for each in overrides}
    return Schedule(ZoneInfo(row["time_zone"]), weekly, replaced)


async def several(business_id: UUID, option_ids: Collection[UUID], columns: Iterable[str]) -> Sequence[Row]:
    """The asked columns of the options of these ids, by name."""
    return await _SEVERAL.rows(columns, business_id=business_id, ids=option_ids)


async def overrides_of(option_ids: Collection[UUID], first: date, last: date) -> Sequence[Row]:
    """The overrides of several options for `[first, last)`, by date."""
    columns = ("option_id", "date", "intervals")
    return await _OVERRIDES.rows(columns, ids=option_ids, first=first, last=last)
