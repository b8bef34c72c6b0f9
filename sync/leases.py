"""Leases: who works on which calendar. Any number of workers on any number of machines share what is due.

A lease ends by itself, so that work survives its worker. Its token is a fence: whoever applies something checks, in
the same transaction, that the lease is still theirs. Each calendar has two, so that a long listing delays no write.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from models.enums import GoogleAccountState
from models.google.tables import GoogleCalendar, GoogleLink
from models.storage import db
from sync.google_api.trouble import TroubleCode

LENGTH = timedelta(seconds=120)
"""Longer than any one call to Google may take; extended with every step that is stored."""


class Direction(StrEnum):
    """The direction that is leased: the beginning of the columns' names."""

    PULL = "pull"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Lease:
    """One direction of one calendar, ours for a while. `due_at` is what its row was left with."""

    business_id: UUID
    calendar_id: UUID
    account_id: UUID
    way: Direction
    token: UUID
    due_at: datetime

    def row(self) -> QuerySet[GoogleCalendar]:
        """The calendar, for as long as the lease is ours."""
        return GoogleCalendar.filter(id=self.calendar_id, **{f"{self.way}_lease": self.token})


async def claim(way: Direction, limit: int, now: datetime) -> list[Lease]:
    """At most `limit` calendars that are due, longest due first, now ours."""
    due = _due(way, now).order_by(f"{way}_due_at").limit(limit)
    return await _take(way, due, now)


async def claim_linked(option_id: UUID, now: datetime) -> Lease | None:
    """The pull of the calendar that an option is linked to, due or not; None when it cannot be ours at once.

    Only one whose token stream goes on: a listing is not waited for. When the calendar is due stays as it is.
    """
    linked = GoogleLink.filter(option_id=option_id, calendar_id__not_isnull=True).values("calendar_id")
    free = _unset_or_before("pull_lease_until", now) & _reachable(Direction.PULL, now)
    goes_on = GoogleCalendar.filter(free, id__in=Subquery(linked), sync_token__not_isnull=True, reroute__isnull=True)
    return next(iter(await _take(Direction.PULL, goes_on, now, due_later=False)), None)


async def account_of(option_id: UUID) -> UUID | None:
    """The account through which the calendar is followed that an option is linked to."""
    linked = GoogleLink.filter(option_id=option_id, calendar_id__not_isnull=True)
    rows = await db.select(linked, ("calendar__account_id",))
    return rows[0]["calendar__account_id"] if rows else None


async def _take(
    way: Direction, wanted: QuerySet[GoogleCalendar], now: datetime, *, due_later: bool = True
) -> list[Lease]:
    """Those of the calendars that are still to be had, now ours; with `due_later` not due again before that ends."""
    if not await wanted.exists():
        return []
    token, until = uuid4(), now + LENGTH
    # One statement, and so under the writer lock on SQLite. Not `values`: it would lose the FOR UPDATE.
    wanted = wanted.select_for_update(skip_locked=True, of=("google_calendar",)).only("id")
    taken = GoogleCalendar.filter(_unset_or_before(f"{way}_lease_until", now), id__in=Subquery(wanted))
    due = {f"{way}_due_at": until} if due_later else {}
    await taken.update(**{f"{way}_lease": token, f"{way}_lease_until": until}, **due)
    mine = GoogleCalendar.filter(**{f"{way}_lease": token})
    return [
        Lease(row["business_id"], row["id"], row["account_id"], way, token, row[f"{way}_due_at"])
        for row in await db.select(mine, ("id", "business_id", "account_id", f"{way}_due_at"))
    ]


async def extend(lease: Lease, now: datetime) -> bool:
    """Holds on for another while; False when the lease is no longer ours: stop, and store nothing."""
    return bool(await lease.row().update(**{f"{lease.way}_lease_until": now + LENGTH}))


async def give_back(lease: Lease, due_at: datetime | None, **values: Any) -> bool:
    """Ends the lease with what came of it; False when it is no longer ours.

    The calendar is due again at `due_at`, unless something made it due meanwhile: then it stays due.
    """
    if not await lease.row().update(**{f"{lease.way}_lease": None, f"{lease.way}_lease_until": None, **values}):
        return False
    untouched = GoogleCalendar.filter(id=lease.calendar_id, **{f"{lease.way}_due_at": lease.due_at})
    await untouched.update(**{f"{lease.way}_due_at": due_at})
    return True


async def hasten(calendars: QuerySet[GoogleCalendar], now: datetime, *, over_prescribed: bool) -> None:
    """What waits for these calendars is due at once, in both directions.

    A pause that Google prescribed is cut short only with `over_prescribed`.
    """
    for way in Direction:
        waiting = calendars.filter(**{f"{way}_due_at__isnull": False})
        if not over_prescribed:
            waiting = waiting.filter(**{f"{way}_prescribed": False})
        fresh = {"not_before": None, "prescribed": False, "attempts": 0, "action_required": False, "due_at": now}
        await waiting.update(**{f"{way}_{name}": value for name, value in fresh.items()})


async def retry_with_new_keys(now: datetime) -> None:
    """What waits for a secret key is due at once: this process may have it."""
    lost = Q(pull_error_code=TroubleCode.SECRET_KEY_LOST) | Q(push_error_code=TroubleCode.SECRET_KEY_LOST)
    await hasten(GoogleCalendar.filter(lost), now, over_prescribed=False)


async def put_off(lease: Lease, now: datetime) -> bool:
    """Gives the lease back if Google must not be asked now: a pause lasts, or the grant is dead. Whether it did."""
    if await lease.row().filter(_reachable(lease.way, now)).exists():
        return False
    await give_back(lease, now)
    return True


def _due(way: Direction, now: datetime) -> QuerySet[GoogleCalendar]:
    """What may be worked on: nobody holds it, no pause lasts, the grant works. Deciding anew needs no Google."""
    free = _unset_or_before(f"{way}_lease_until", now)
    doable = _reachable(way, now)
    if way is Direction.PULL:
        doable |= Q(reroute__isnull=False)
    return GoogleCalendar.filter(free & doable, **{f"{way}_due_at__lte": now})


def _reachable(way: Direction, now: datetime) -> Q:
    return Q(account__state=GoogleAccountState.CONNECTED) & _unset_or_before(f"{way}_not_before", now)


def _unset_or_before(column: str, now: datetime) -> Q:
    unset: dict[str, Any] = {f"{column}__isnull": True}
    before: dict[str, Any] = {f"{column}__lte": now}
    return Q(**unset) | Q(**before)
