"""A business's templates for its bookings in Google: reads, saves and previews them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models import checks
from models.business import Business
from models.enums import ChangeAction, ChangeKind
from models.google import mirror
from models.log import change_log
from models.log.change_log import LoggedTransaction
from models.refusals import ErrorCode, Refusal, Refused
from models.storage import db
from models.storage.secrets import Secrets
from sync.push import rendering, template
from sync.push.template import Placeholder

FIELDS = ("title_template", "description_template", "location_template")
_COLUMNS = (*FIELDS, "language", "name")


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of a business, and the keywords they may use."""

    title_template: str
    description_template: str
    location_template: str
    placeholders: tuple[Placeholder, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The texts that templates give for a booking."""

    title: str
    description: str
    location: str


async def read(business_id: UUID, language: str) -> Templates:
    """Returns the business's templates, the default where it chose none, and the keywords, labelled in `language`."""
    (row,) = await db.select(Business.filter(id=business_id), _COLUMNS)
    chosen = {name: template.DEFAULTS[name] if row[name] is None else row[name] for name in FIELDS}
    return Templates(**chosen, placeholders=template.placeholders(language))


async def save(business_id: UUID, values: Mapping[str, str | None]) -> Refused | None:
    """Stores the given templates (None for the default), and wants every future mirror rendered anew."""
    if refusals := [refusal for name, value in values.items() for refusal in validate(name, value)]:
        return Refused(refusals)

    async def body(work: LoggedTransaction) -> None:
        await Business.filter(id=business_id).update(**values)
        work.record(ChangeKind.BUSINESS, business_id, ChangeAction.UPSERTED)
        await mirror.rerender_all(work)

    if values:
        await change_log.write(business_id, body)
    return None


async def preview(
    secrets: Secrets, business_id: UUID, templates: Mapping[str, str], booking_id: UUID | None
) -> Preview | Refused:
    """Renders templates for a booking of the business, or for an example."""
    if refusals := [refusal for name, value in templates.items() for refusal in validate(name, value, "")]:
        return Refused(refusals)
    (row,) = await db.select(Business.filter(id=business_id), _COLUMNS)
    subject = template.EXAMPLE
    if booking_id is not None:
        found = await rendering.subject_of(secrets, business_id, booking_id)
        if found is None:
            return Refused([Refusal(ErrorCode.NOT_FOUND, "There is no such booking.", ("bookingId",))])
        subject = found
    values = template.values_for(subject, row["language"])
    return Preview(*(template.render(templates[name], values) for name in FIELDS))


def validate(name: str, value: str | None, root: str = "input") -> list[Refusal]:
    """Returns a refusal for each unknown keyword, with its position, or for a text that is too long. Pure."""
    path = (*([root] if root else []), checks.camel(name))
    if value is None:
        return []
    if too_long := checks.text(value):
        return [Refusal(too_long.code, too_long.message, path, too_long.values)]
    return [_unknown(path, unknown) for unknown in template.unknown_placeholders(value)]


def _unknown(path: tuple[str, ...], unknown: template.Unknown) -> Refusal:
    """The refusal of a keyword, with the known ones that are written nearly so; or of a brace that nothing closes."""
    if not unknown.closed:
        message = (
            "`{{` at character {position} opens no placeholder. Close it with `}}`, or write `{{{{` for a literal "
            "brace."
        )
        return Refusal(ErrorCode.UNKNOWN_PLACEHOLDER, message, path, {"position": unknown.position + 1})
    values: dict[str, Any] = {"keyword": unknown.keyword, "position": unknown.position + 1}
    if near := template.nearest(unknown.keyword):
        values["nearest"] = ", ".join(f"{{{each}}}" for each in near)
        message = "{{{keyword}}} at character {position} is no placeholder. Nearest: {nearest}."
        return Refusal(ErrorCode.UNKNOWN_PLACEHOLDER, message, path, values)
    message = "{{{keyword}}} at character {position} is no placeholder."
    return Refusal(ErrorCode.UNKNOWN_PLACEHOLDER, message, path, values)
