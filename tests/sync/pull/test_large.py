"""A large calendar: applied, decided anew and dropped a few hundred rows at a time."""

from collections import Counter
from datetime import timedelta

from models.enums import ChangeKind
from models.google.event import GoogleEvent
from models.log.change_log import Change
from models.refusals import Refused
from sync.pull.routing import BATCH
from sync.service import LinkChoices
from tests.sync import rows
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import WORKSHOP
from tests.sync.sync_stack import Floor, busy

EVENTS = 2 * BATCH + 50


async def largest_write(floor: Floor, after: int) -> int:
    """How many changes to events the largest transaction since that revision noted."""
    found = await Change.filter(business_id=floor.business_id, kind=ChangeKind.GOOGLE_EVENT, revision__gt=after)
    return max(Counter(change.at for change in found).values())


async def newest(floor: Floor) -> int:
    found = await Change.filter(business_id=floor.business_id).order_by("-revision").first()
    return found.revision if found else 0


async def test_no_transaction_grows_with_the_calendar(floor: Floor) -> None:
    for number in range(EVENTS):
        begins = tomorrow(0) + number * timedelta(minutes=15)
        floor.sandbox.insert_event(WORKSHOP, busy(begins, begins + timedelta(minutes=15)))
    one = await floor.linked_option("Room 1", WORKSHOP)
    assert len(await floor.blocked(one)) == EVENTS
    assert await largest_write(floor, 0) <= BATCH
    listed = await newest(floor)
    two = await rows.an_option(floor.business_id, "Room 2")
    await floor.signed_in(two)
    assert not isinstance(await floor.door.link(floor.business_id, two, WORKSHOP, LinkChoices()), Refused)
    # That they concern another option now is told at once, by the database alone.
    assert await largest_write(floor, listed) == EVENTS
    linked = await newest(floor)
    await floor.settle()
    assert len(await floor.blocked(two)) == EVENTS
    assert await largest_write(floor, linked) <= BATCH
    for room in (one, two):
        await floor.door.unlink(floor.business_id, room)
    unlinked = await newest(floor)
    await floor.settle()
    assert await GoogleEvent.all().count() == 0
    assert await largest_write(floor, unlinked) <= BATCH
