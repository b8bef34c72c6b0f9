"""Finding bookings: the words they are found by, and what a list of them can be narrowed to.

Every booking has its reference, its customer's mail address and the words of their name in one indexed table.
"""

import dataclasses
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

from models import booking, db
from models.booking import Booking
from models.columns import belongs_to, new_id
from models.statements import Select
from models.words import BookingStatus

_LENGTH = 64
_LONGEST_WORD = 320
"""Characters of the longest word a booking can have: a mail address."""

_BEYOND = "\U0010ffff"
MOST_WORDS = 8
"""So many words of a query count; more would only be slower."""


class BookingWord(Model):
    """One word that a booking is found by, in lower case."""

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
    found = {reference, reference.replace("-", ""), *name.split(), *name.replace("-", " ").split()}
    if email:
        found.add(email)
    return {word.casefold()[:_LENGTH] for word in found}


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
        email = customer_email.strip()
        # The words narrow it down by an index; the same word may also stand in a name.
        fits &= _having(business_id, Q(word=email.casefold()[:_LENGTH])) & Q(customer_email__iexact=email)
    for word in (text or "").casefold().split()[:MOST_WORDS]:
        # One shorter than a word may be: what lies beyond all that begin so must fit the column, too.
        beginning = word[: _LENGTH - 1]
        fits &= _having(business_id, Q(word__gte=beginning, word__lt=beginning + _BEYOND))
        if len(word) > len(beginning):
            # Longer than what is indexed: the rest is looked for in the few bookings that are left.
            whole = Q(customer_name__icontains=word) | Q(customer_email__istartswith=word)
            fits &= whole if len(word) <= _LONGEST_WORD else Q(id__isnull=True)
    return Booking.filter(fits)


def _having(business_id: UUID, words: Q) -> Q:
    """The bookings that have such a word."""
    return Q(id__in=db.within(BookingWord.filter(words, business_id=business_id), "booking_id"))
