"""What must always hold in a business, whatever was done to it: asserted against the rows alone."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from models.bookings.booking import Booking, BookingHistory
from models.bookings.claim import Claim
from models.bookings.hold import Hold
from models.catalog.option import Option
from models.catalog.service import Service
from models.catalog.time_off import TimeOff
from models.enums import BookingStatus, ChangeAction, ChangeKind
from models.log import change_log
from models.log.change_log import Change

Row = dict[str, Any]


async def hold_in(business_id: UUID) -> None:
    """Every invariant of the ground floor."""
    claims = await Claim.filter(business_id=business_id).order_by("option_id", "occupied_start").values()
    bookings = await Booking.filter(business_id=business_id).values()
    holds = await Hold.filter(business_id=business_id).values()
    _claims_do_not_overlap(claims)
    _each_has_its_claim(claims, [row for row in bookings if row["status"] != BookingStatus.CANCELLED], holds)
    await _versions_count_history(business_id, bookings)
    log = await log_is_whole(business_id)
    _log_tells_the_calendar(log, bookings, holds)
    assert _present(log, ChangeKind.TIME_OFF) == await _ids(TimeOff, business_id)
    assert _present(log, ChangeKind.OPTION) == await _ids(Option, business_id)
    assert _present(log, ChangeKind.SERVICE) == await _ids(Service, business_id)


async def log_is_whole(business_id: UUID) -> Sequence[Row]:
    """The log, whose revisions are 1, 2, 3 and so on to the newest."""
    log = await Change.filter(business_id=business_id).order_by("revision").values()
    assert [row["revision"] for row in log] == list(range(1, await change_log.newest(business_id) + 1))
    return log


def _claims_do_not_overlap(claims: Sequence[Row]) -> None:
    for one, other in pairwise(claims):
        apart = one["option_id"] != other["option_id"] or one["occupied_end"] <= other["occupied_start"]
        assert apart, f"claims overlap: {one} {other}"


def _each_has_its_claim(claims: Sequence[Row], bookings: Sequence[Row], holds: Sequence[Row]) -> None:
    """One for every live booking and every hold, over what it occupies; and no other."""
    claimed = Counter(
        (row["booking_id"] or row["hold_id"], row["option_id"], row["occupied_start"], row["occupied_end"])
        for row in claims
    )
    assert claimed == Counter((row["id"], row["option_id"], *_occupied(row)) for row in (*bookings, *holds))


def _occupied(row: Row) -> tuple[datetime, datetime]:
    before, after = timedelta(minutes=row["buffer_before_minutes"]), timedelta(minutes=row["buffer_after_minutes"])
    return row["starts_at"] - before, row["ends_at"] + after


async def _versions_count_history(business_id: UUID, bookings: Sequence[Row]) -> None:
    """A booking begins at version 1, and each deed in its history is one version."""
    noted = Counter(await BookingHistory.filter(business_id=business_id).values_list("booking_id", flat=True))
    assert noted == Counter({row["id"]: row["version"] for row in bookings})


def _log_tells_the_calendar(log: Sequence[Row], bookings: Sequence[Row], holds: Sequence[Row]) -> None:
    """Who only reads the log has every live entry, a change at least for each version, and the option it is on now."""
    live = [row for row in bookings if row["status"] != BookingStatus.CANCELLED]
    assert _present(log, ChangeKind.BOOKING) == {row["id"] for row in live}
    assert _present(log, ChangeKind.HOLD) == {row["id"] for row in holds}
    told = Counter(row["entity_id"] for row in log if row["kind"] == ChangeKind.BOOKING)
    # It is told again when something that it is shown with changes, which is no version of its own.
    assert told.keys() == {row["id"] for row in bookings}
    assert all(told[row["id"]] >= row["version"] for row in bookings)
    newest = {row["entity_id"]: row["option_ids"] for row in log}
    assert all(str(row["option_id"]) in newest[row["id"]] for row in (*bookings, *holds))


def _present(log: Sequence[Row], kind: ChangeKind) -> set[UUID]:
    """What is there after replaying the log."""
    present: set[UUID] = set()
    for row in log:
        if row["kind"] == kind:
            (present.add if row["action"] == ChangeAction.UPSERTED else present.discard)(row["entity_id"])
    return present


async def _ids(table: type[Option] | type[Service] | type[TimeOff], business_id: UUID) -> set[UUID]:
    return {row["id"] for row in await table.filter(business_id=business_id).values("id")}
