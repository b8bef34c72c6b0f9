"""Finding bookings: the words they are found by, and what a list of them can be narrowed to.

Every booking has its reference, its customer's mail address and the words of their name in one indexed table.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.bookings import booking
from models.bookings.booking import Booking
from models.enums import BookingStatus
from models.normal_form import by_grapheme, normal, terms, ways_to_find
from models.storage import db
from models.storage.columns import belongs_to, new_id
from models.storage.queries import Select

_LENGTH = 400
"""Characters of the longest word that is kept. A mail address has 320 at most, a name 200."""

_BEYOND = "\U0010ffff"
MOST_WORDS = 8
"""So many words of a query count; more would only be slower."""


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
    values = {field.name: getattr(search, field.name) for field in dataclasses.fields(search)}
    earliest = search.start - booking.LONGEST if search.start else None
    # Words are cut, and folded, on their way into the query.
    values |= {"statuses": search.statuses and sorted(set(search.statuses))}
    worded = search.text is not None or search.customer_email is not None
    return Select(_bookings, {"business_id": business_id, "earliest": earliest, **values}, hands_on=not worded)


def _bookings(
    business_id: UUID,
    option_ids: Sequence[UUID] | None,
    service_ids: Sequence[UUID] | None,
    statuses: Sequence[BookingStatus] | None,
    earliest: datetime | None,
    start: datetime | None,
    end: datetime | None,
    customer_email: str | None,
    text: str | None,
) -> QuerySet[Booking]:
    fits = Q(business_id=business_id)
    for column, wanted in (("option_id", option_ids), ("service_id", service_ids), ("status", statuses)):
        if wanted is not None:
            among: dict[str, Any] = {f"{column}__in": list(wanted)}
            fits &= Q(**among)
    if start is not None:
        # Where to begin to look: all that ended before would be looked at otherwise.
        fits &= Q(starts_at__gt=earliest, ends_at__gt=start)
    if end is not None:
        fits &= Q(starts_at__lt=end)
    if customer_email is not None:
        fits &= _having(business_id, Q(word=_address(customer_email)))
    for beginning in _beginnings(text):
        fits &= _having(business_id, Q(word__gte=beginning, word__lt=beginning + _BEYOND))
    return Booking.filter(fits)


def _beginnings(text: str | None) -> list[str]:
    """With what the words begin that are looked for; what has no words begins nothing."""
    found = [by_grapheme(term)[: _LENGTH - 1] for term in terms(text or "")]
    return (found or [_BEYOND])[:MOST_WORDS] if text else []


def _having(business_id: UUID, words: Q) -> Q:
    """The bookings that have such a word."""
    return Q(id__in=db.within(BookingWord.filter(words, business_id=business_id), "booking_id"))
