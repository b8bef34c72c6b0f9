"""Renders a booking's event from the rows as they are now."""

from typing import Any
from uuid import UUID

from models.bookings.booking import Booking
from models.enums import MirrorAs
from models.google.tables import GoogleLink
from models.storage import db
from models.storage.db import Row
from models.storage.secrets import Secrets
from sync.push import machine, template
from sync.push.machine import Rendered

_BOOKING = (
    "id",
    "option_id",
    "reference",
    "starts_at",
    "ends_at",
    "customer_name",
    "customer_email",
    "customer_phone",
    "note",
    "token_generation",
    "option__name",
    "option__time_zone",
    "service__name",
    "business__name",
    "business__language",
    "business__booking_url",
    "business__title_template",
    "business__description_template",
    "business__location_template",
)
_MANAGE_LINK = "manage_link"


async def render(secrets: Secrets, booking_id: UUID) -> Rendered:
    """Renders a booking's event by the business's templates and the `mirror_as` of the option's link."""
    (row,) = await db.select(Booking.filter(id=booking_id), _BOOKING)
    templates = (
        _or_default(row["business__title_template"], template.DEFAULT_TITLE),
        _or_default(row["business__description_template"], template.DEFAULT_DESCRIPTION),
        _or_default(row["business__location_template"], template.DEFAULT_LOCATION),
    )
    wants_link = any(_MANAGE_LINK in template.keywords_in(each) for each in templates)
    subject = _subject(row, _manage_link(secrets, row) if wants_link else None)
    values = template.values_for(subject, row["business__language"])
    title, description, location = (template.render(each, values) for each in templates)
    return machine.render_event(
        booking_id=booking_id,
        title=title,
        description=description,
        location=location,
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        time_zone=row["option__time_zone"],
        mirror_as=await _mirror_as(row["option_id"]),
    )


async def subject_of(secrets: Secrets, business_id: UUID, booking_id: UUID) -> template.Subject | None:
    """Returns the values that templates can use of a booking; None when the business has no such booking."""
    rows = await db.select(Booking.filter(business_id=business_id, id=booking_id), _BOOKING)
    return _subject(rows[0], _manage_link(secrets, rows[0])) if rows else None


def _or_default(chosen: str | None, default: str) -> str:
    """Returns the chosen template, which may be empty; the default only for None."""
    return default if chosen is None else chosen


def _subject(row: Row, manage_link: str | None) -> template.Subject:
    return template.Subject(
        business=row["business__name"],
        option=row["option__name"],
        service=row["service__name"],
        reference=row["reference"],
        customer_name=row["customer_name"],
        customer_email=row["customer_email"],
        customer_phone=row["customer_phone"],
        note=row["note"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        time_zone=row["option__time_zone"],
        manage_link=manage_link,
    )


def _manage_link(secrets: Secrets, row: Row) -> str | None:
    """Returns the address where the customer manages the booking: the business's booking URL with a token in it."""
    url: str | None = row["business__booking_url"]
    token = secrets.manage_token(row["id"], row["token_generation"])
    return url.replace("{token}", token) if url else None


async def _mirror_as(option_id: UUID) -> MirrorAs:
    chosen: Any = await GoogleLink.filter(option_id=option_id).first().values_list("mirror_as", flat=True)
    return MirrorAs(chosen or MirrorAs.BUSY)
