"""Finding bookings: the words they are found by, and what a list of them can be narrowed to.

Every booking has its reference, its customer's mail address and the words of their name in one indexed table.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.bookings import booking
from models.bookings.booking import Booking
from models.enums import BookingStatus
from models.normal_form import by_grapheme, normal, terms, ways_to_find
from models.storage.columns import belongs_to, new_id
from models.storage.queries import Select, Statement

_LENGTH = 400
"""Characters of the longest word that is kept. A mail address has 320 at most, a name 200."""

_BEYOND = "\U0010ffff"
MOST_WORDS = 8
"""So many words of a query count; more would only be slower."""

_MINE = "WHERE booking.business_id = :business_id"
_CONDITIONS = {
    "option_ids": "booking.option_id IN :option_ids",
    "service_ids": "booking.service_id IN :service_ids",
    "statuses": "booking.status IN :statuses",
    # Where to begin to look: all that ended before would be looked at otherwise.
    "start": "booking.starts_at > :earliest AND booking.ends_at > :start",
    "end": "booking.starts_at < :end",
}
_WORDED = "booking.id IN (SELECT booking_id FROM booking_word WHERE business_id = :business_id AND word {})"


class BookingWord(Model):
    """One word that a booking is found by, in lower case.

    It is in normal form, spelled by grapheme, and compared by code points: a migration tells PostgreSQL so.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    booking = belongs_to("Booking")
    booking_id: UUID
    word = fields.CharField(max_length=_LENGTH)

    class Meta:
        table = "booking_word"
        indexes = (Index(fields=("business_id", "word")), Index(fields=("booking_id",)))


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; None: anything. `text` are beginnings of words, all of which must be found."""

    option_ids: Sequence[UUID] | None = None
    service_ids: Sequence[UUID] | None = None
    statuses: Sequence[BookingStatus] | None = None
    start: datetime | None = None
    end: datetime | None = None
    customer_email: str | None = None
    text: str | None = None


def words_of(reference: str, name: str, email: str | None) -> set[str]:
    """The words a booking is found by. A reference is found with its dash and without, so is Berg-Ødegård by both."""
    found = {normal(reference), normal(reference).replace("-", ""), *terms(email or "")}
    for term in terms(name):
        found |= ways_to_find(term)
    kept = {by_grapheme(word)[: _LENGTH - 1] for word in found}
    return kept | ({_address(email)} if email else set())


def _address(email: str) -> str:
    """The word that only bookings of this mail address have: no term begins with a sign."""
    return "=" + hashlib.sha256(normal(email).encode()).hexdigest()


async def reindex(business_id: UUID, booking_id: UUID, words: Iterable[str]) -> None:
    """Keeps a booking's words, in place of those it had."""
    await BookingWord.filter(booking_id=booking_id).delete()
    await index(business_id, booking_id, words)


async def index(business_id: UUID, booking_id: UUID, words: Iterable[str]) -> None:
    """Keeps a new booking's words."""
    rows = [BookingWord(business_id=business_id, booking_id=booking_id, word=word) for word in sorted(words)]
    await BookingWord.bulk_create(rows)


def bookings(business_id: UUID, search: Search) -> Select:
    """The bookings that fit. With times, those that overlap `[start, end)`."""
    conditions: list[str] = []
    values: dict[str, Any] = {"business_id": business_id}
    for name in ("option_ids", "service_ids", "statuses", "start", "end"):
        if (wanted := getattr(search, name)) is not None:
            conditions.append(_CONDITIONS[name])
            values[name] = wanted
    if search.start is not None:
        values["earliest"] = search.start - booking.LONGEST
    if search.customer_email is not None:
        conditions.append(_WORDED.format("= :address"))
        values["address"] = _address(search.customer_email)
    for number, beginning in enumerate(_beginnings(search.text)):
        conditions.append(_WORDED.format(f">= :first{number} AND word < :last{number}"))
        values |= {f"first{number}": beginning, f"last{number}": beginning + _BEYOND}
    return Select(Statement(Booking, " AND ".join((_MINE, *conditions))), values)


def _beginnings(text: str | None) -> list[str]:
    """With what the words begin that are looked for; what has no words begins nothing."""
    found = [by_grapheme(term)[: _LENGTH - 1] for term in terms(text or "")]
    return (found or [_BEYOND])[:MOST_WORDS] if text else []
