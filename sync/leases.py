"""Leases: which worker works on which calendar. Workers of any number of machines share the calendars that are due.

A lease runs out, so that another worker goes on when one dies. Its token is a fence: code that stores a result checks,
in the same transaction, that its lease still holds. Each calendar has two, so that a long pull delays no push.
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
"""How long a lease holds: longer than any call to Google may take. Every transaction of a run extends it."""


class Direction(StrEnum):
    """The direction that a lease is for. Its value is the prefix of the columns' names."""

    PULL = "pull"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Lease:
    """One direction of one calendar, ours for a while. `due_at` is the value in its row when we took the lease."""

    business_id: UUID
    calendar_id: UUID
    account_id: UUID
    direction: Direction
    token: UUID
    due_at: datetime

    def row(self) -> QuerySet[GoogleCalendar]:
        """Selects the calendar's row; no row when the lease is no longer ours."""
        return GoogleCalendar.filter(id=self.calendar_id, **{f"{self.direction}_lease": self.token})


async def claim(direction: Direction, limit: int, now: datetime) -> list[Lease]:
    """Leases at most `limit` calendars that are due, those first that have been due longest. The worker calls it."""
    due = _due(direction, now).order_by(f"{direction}_due_at").limit(limit)
    return await _take(direction, due, now)


async def claim_linked(option_id: UUID, now: datetime) -> Lease | None:
    """Leases the pull of an option's calendar, due or not; None when that is not possible at once, or when the calendar
    needs a full listing, which takes too long. Does not alter when it is due.
    """
    linked = GoogleLink.filter(option_id=option_id, calendar_id__not_isnull=True).values("calendar_id")
    free = _unset_or_before("pull_lease_until", now) & _reachable(Direction.PULL, now)
    goes_on = GoogleCalendar.filter(free, id__in=Subquery(linked), sync_token__not_isnull=True, reroute__isnull=True)
    return next(iter(await _take(Direction.PULL, goes_on, now, due_later=False)), None)


async def account_of(option_id: UUID) -> UUID | None:
    """Returns the account through which we follow the calendar of an option; None when it has no calendar."""
    linked = GoogleLink.filter(option_id=option_id, calendar_id__not_isnull=True)
    rows = await db.select(linked, ("calendar__account_id",))
    return rows[0]["calendar__account_id"] if rows else None


async def _take(
    direction: Direction, wanted: QuerySet[GoogleCalendar], now: datetime, *, due_later: bool = True
) -> list[Lease]:
    """Leases those of the calendars that nobody else has leased. With `due_later`, sets them due when it ends."""
    if not await wanted.exists():
        return []
    token, until = uuid4(), now + LENGTH
    # One statement, and so under the writer lock on SQLite. Not `values`: it would lose the FOR UPDATE.
    wanted = wanted.select_for_update(skip_locked=True, of=("google_calendar",)).only("id")
    taken = GoogleCalendar.filter(_unset_or_before(f"{direction}_lease_until", now), id__in=Subquery(wanted))
    due = {f"{direction}_due_at": until} if due_later else {}
    await taken.update(**{f"{direction}_lease": token, f"{direction}_lease_until": until}, **due)
    mine = GoogleCalendar.filter(**{f"{direction}_lease": token})
    return [
        Lease(row["business_id"], row["id"], row["account_id"], direction, token, row[f"{direction}_due_at"])
        for row in await db.select(mine, ("id", "business_id", "account_id", f"{direction}_due_at"))
    ]


async def extend(lease: Lease, now: datetime) -> bool:
    """Extends the lease. Returns False when it is no longer ours: the caller must stop and store nothing."""
    return bool(await lease.row().update(**{f"{lease.direction}_lease_until": now + LENGTH}))


async def give_back(lease: Lease, due_at: datetime | None, **values: Any) -> bool:
    """Ends the lease and writes `values` to the calendar. Returns False when the lease is no longer ours.

    The calendar is due again at `due_at`, unless something else changed its due time meanwhile: that time stays.
    """
    if not await lease.row().update(
        **{f"{lease.direction}_lease": None, f"{lease.direction}_lease_until": None, **values}
    ):
        return False
    untouched = GoogleCalendar.filter(id=lease.calendar_id, **{f"{lease.direction}_due_at": lease.due_at})
    await untouched.update(**{f"{lease.direction}_due_at": due_at})
    return True


async def hasten(calendars: QuerySet[GoogleCalendar], now: datetime, *, over_prescribed: bool) -> None:
    """Makes pulls and pushes that wait for these calendars due at once, and forgets their failed attempts.

    Cuts a pause that Google demanded short only with `over_prescribed`.
    """
    for direction in Direction:
        waiting = calendars.filter(**{f"{direction}_due_at__isnull": False})
        if not over_prescribed:
            waiting = waiting.filter(**{f"{direction}_prescribed": False})
        fresh = {"not_before": None, "prescribed": False, "attempts": 0, "action_required": False, "due_at": now}
        await waiting.update(**{f"{direction}_{name}": value for name, value in fresh.items()})


async def retry_with_new_keys(now: datetime) -> None:
    """Makes calendars due that failed for want of a secret key, since this process may have it. Called at its start."""
    lost = Q(pull_error_code=TroubleCode.SECRET_KEY_LOST) | Q(push_error_code=TroubleCode.SECRET_KEY_LOST)
    await hasten(GoogleCalendar.filter(lost), now, over_prescribed=False)


async def put_off(lease: Lease, now: datetime) -> bool:
    """Gives the lease back if we may not ask Google now, because of a pause or a dead grant. Returns whether it did."""
    if await lease.row().filter(_reachable(lease.direction, now)).exists():
        return False
    await give_back(lease, now)
    return True


def _due(direction: Direction, now: datetime) -> QuerySet[GoogleCalendar]:
    """Selects the calendars that are due, not leased, not paused and whose grant works. To reroute events needs no
    Google, so for that pause and grant do not matter.
    """
    free = _unset_or_before(f"{direction}_lease_until", now)
    doable = _reachable(direction, now)
    if direction is Direction.PULL:
        doable |= Q(reroute__isnull=False)
    return GoogleCalendar.filter(free & doable, **{f"{direction}_due_at__lte": now})


def _reachable(direction: Direction, now: datetime) -> Q:
    return Q(account__state=GoogleAccountState.CONNECTED) & _unset_or_before(f"{direction}_not_before", now)


def _unset_or_before(column: str, now: datetime) -> Q:
    unset: dict[str, Any] = {f"{column}__isnull": True}
    before: dict[str, Any] = {f"{column}__lte": now}
    return Q(**unset) | Q(**before)
