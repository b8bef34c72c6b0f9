"""Finds bookings: keeps an index of their words, and builds the query for a list of bookings.

The index has each booking's reference, its customer's mail address and the words of their name.
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
from models.normal_form import by_grapheme, normal, search_forms, terms
from models.storage.columns import belongs_to, new_id
from models.storage.queries import Select, Statement

_LENGTH = 400
"""The longest word in the index, in characters. A mail address has 320 at most, a name 200."""

_LAST_CHARACTER = "\U0010ffff"
MOST_WORDS = 8
"""A query uses only its first words, up to this many; more would only be slower."""

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
    """One word by which a search finds a booking.

    It is in normal form, with its graphemes marked, and compared by code points: a migration sets that collation on
    PostgreSQL.
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
    """The filters of a list of bookings; None does not filter. `text` has beginnings of words, all of them needed."""

    option_ids: Sequence[UUID] | None = None
    service_ids: Sequence[UUID] | None = None
    statuses: Sequence[BookingStatus] | None = None
    start: datetime | None = None
    end: datetime | None = None
    customer_email: str | None = None
    text: str | None = None


def words_of(reference: str, name: str, email: str | None) -> set[str]:
    """Returns the words by which a search finds a booking: the reference with its dash and without, the mail address,
    and the name's words, those with signs also in parts.
    """
    found = {normal(reference), normal(reference).replace("-", ""), *terms(email or "")}
    for term in terms(name):
        found |= search_forms(term)
    kept = {by_grapheme(word)[: _LENGTH - 1] for word in found}
    return kept | ({_address(email)} if email else set())


def _address(email: str) -> str:
    """Returns a word that only bookings of this mail address have, since no search term begins with a sign."""
    return "=" + hashlib.sha256(normal(email).encode()).hexdigest()


async def reindex(business_id: UUID, booking_id: UUID, words: Iterable[str]) -> None:
    """Replaces a booking's words in the index."""
    await BookingWord.filter(booking_id=booking_id).delete()
    await index(business_id, booking_id, words)


async def index(business_id: UUID, booking_id: UUID, words: Iterable[str]) -> None:
    """Adds a new booking's words to the index."""
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
    for number, beginning in enumerate(_prefixes(search.text)):
        conditions.append(_WORDED.format(f">= :first{number} AND word < :last{number}"))
        values |= {f"first{number}": beginning, f"last{number}": beginning + _LAST_CHARACTER}
    return Select(Statement(Booking, " AND ".join((_MINE, *conditions))), values)


def _prefixes(text: str | None) -> list[str]:
    """Returns the beginnings of words to look for. A text without words matches nothing."""
    found = [by_grapheme(term)[: _LENGTH - 1] for term in terms(text or "")]
    return (found or [_LAST_CHARACTER])[:MOST_WORDS] if text else []
