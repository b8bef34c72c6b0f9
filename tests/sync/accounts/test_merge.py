"""One Google calendar seen through two accounts: followed once, each event one entry, routed once."""

import pytest

from models import clock
from models.enums import Blocking, GoogleAccountState, MatcherField, UnroutedEvents
from models.google.event import GoogleEvent
from models.google.mirror import Mirror
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.log import change_log
from models.refusals import ErrorCode, Refused
from sync.accounts import merge
from sync.sandbox.calendars.calendars import Role
from sync.sandbox.faults import FaultKind
from sync.service import Matcher
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN, WORKSHOP
from tests.sync.sync_stack import Floor, busy


async def followed(floor: Floor) -> list[str]:
    """Through whose account the workshop's calendar is followed."""
    links = await GoogleLink.filter(business_id=floor.business_id).values_list("calendar_id", flat=True)
    rows = GoogleCalendar.filter(id__in=links, google_id=WORKSHOP)
    return [row["account__email"] for row in await rows.values("account__email")]


async def test_a_calendar_followed_through_one_account_is_not_followed_through_another(floor: Floor) -> None:
    anna = await floor.linked_option("Anna", WORKSHOP, ANNA)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), summary="Both"))
    ben = await floor.linked_option("Ben", WORKSHOP, BEN)
    assert await followed(floor) == [ANNA]
    assert await floor.titles() == ["Both"]
    for option_id in (anna, ben):
        assert await floor.blocked(option_id) == [(tomorrow(8), tomorrow(9))]
    connection = (await floor.door.connections(floor.business_id, [ben]))[ben]
    assert connection.account.email == BEN
    await floor.book(ben, tomorrow(12))
    await floor.settle()
    assert len(floor.sandbox.events(WORKSHOP)) == 2


async def test_an_event_that_names_one_option_does_not_block_the_other_through_its_own_account(floor: Floor) -> None:
    rules = {"blocking": Blocking.MATCHED_EVENTS, "unrouted_events": UnroutedEvents.BLOCK_ALL}
    found = []
    for name, email in (("Anna", ANNA), ("Ben", BEN)):
        matchers = (Matcher(MatcherField.TITLE, name),)
        found.append(await floor.linked_option(name, WORKSHOP, email, matchers=matchers, **rules))
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), summary="Anna away"))
    await floor.look()
    assert [len(await floor.blocked(option_id)) for option_id in found] == [1, 0]


@pytest.mark.parametrize("case", ["dead", "read-only"])
async def test_options_come_along_to_an_account_that_can_do_more(floor: Floor, case: str) -> None:
    if case == "read-only":
        floor.sandbox.share(WORKSHOP, BEN, Role.READER)
    ben = await floor.linked_option("Ben", WORKSHOP, BEN)
    booking = await floor.book(ben, tomorrow(12))
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), summary="Both"))
    await floor.look()
    if case == "dead":
        await GoogleAccount.filter(email=BEN).update(state=GoogleAccountState.RECONNECT_REQUIRED)
    anna = await floor.linked_option("Anna", WORKSHOP, ANNA)
    assert await followed(floor) == [ANNA]
    assert await floor.titles() == ["Both"]
    for option_id in (anna, ben):
        assert await floor.blocked(option_id) == [(tomorrow(8), tomorrow(9))]
    assert [row.booking_id for row in await Mirror.filter(present=True)] == [booking]
    assert len(floor.sandbox.events(WORKSHOP)) == 2


async def test_nothing_is_bookable_while_a_calendar_changes_its_account(floor: Floor) -> None:
    option_id = await floor.linked_option("Workshop", WORKSHOP, BEN)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    await GoogleAccount.filter(email=BEN).update(state=GoogleAccountState.RECONNECT_REQUIRED)
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, times=None, method="GET", path="/events")
    await floor.linked_option("Anna", WORKSHOP, ANNA)
    assert await floor.blocked(option_id) == [(tomorrow(8), tomorrow(9))]
    assert await GoogleEvent.all().count() == 1


async def test_an_account_that_leaves_hands_over_what_options_of_others_share_through_it(floor: Floor) -> None:
    await floor.linked_option("Anna", WORKSHOP, ANNA)
    ben = await floor.linked_option("Ben", WORKSHOP, BEN)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    assert await followed(floor) == [ANNA]
    account = await GoogleAccount.get(email=ANNA)
    await change_log.write(floor.business_id, lambda work: merge.hand_over(work, account.id))
    assert await followed(floor) == [BEN]
    assert await floor.blocked(ben) == [(tomorrow(8), tomorrow(9))]
    await floor.settle()
    assert await floor.blocked(ben) == [(tomorrow(8), tomorrow(9))]


async def test_a_sync_is_refused_while_the_account_it_would_go_through_is_dead(floor: Floor) -> None:
    option_id = await floor.linked_option("Workshop", WORKSHOP, ANNA)
    await floor.signed_in(option_id, BEN)
    await GoogleAccount.filter(email=ANNA).update(state=GoogleAccountState.RECONNECT_REQUIRED)
    answer = await floor.door.sync_now(floor.business_id, option_id)
    assert isinstance(answer, Refused)
    assert answer.reasons[0].code is ErrorCode.GOOGLE_RECONNECT_REQUIRED


async def test_deciding_anew_keeps_a_pause_that_google_prescribed(floor: Floor) -> None:
    await floor.linked_option()
    ben = await floor.linked_option("Ben", ANNA)
    floor.sandbox.faults.add(FaultKind.QUOTA_EXCEEDED, times=None, method="GET", path="/events")
    await GoogleCalendar.filter(google_id=ANNA).update(pull_due_at=clock.now())
    await floor.settle()
    paused = (await GoogleCalendar.get(google_id=ANNA)).pull_not_before
    assert paused is not None
    floor.sandbox.faults.clear()
    asked = floor.on.google.arrival("GET", "/events")
    await floor.door.unlink(floor.business_id, ben)
    await floor.settle()
    assert not asked.is_set()
    calendar = await GoogleCalendar.get(google_id=ANNA)
    assert (calendar.pull_not_before, calendar.reroute, calendar.pull_lease) == (paused, None, None)
