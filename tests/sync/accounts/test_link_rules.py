"""The rules of a link: what they need, when they can be changed, and whom an event that was declined still names."""

from models import clock
from models.enums import Blocking, ChangeKind, MatcherField, MirrorAs, UnroutedEvents
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.refusals import ErrorCode
from sync.service import LinkChoices, Matcher, Proposal, RoutingPreview
from tests.sync import rows
from tests.sync.accounts.test_link import named, refusal, relink
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN, WORKSHOP
from tests.sync.sync_stack import Floor, busy


async def test_a_room_that_declined_is_blocked_no_more(floor: Floor) -> None:
    room = {"email": "room2@example.com", "resource": True}
    guests = [{"email": "a@example.com"}, {**room, "responseStatus": "accepted"}]
    event = floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), attendees=guests))
    two = await floor.linked_option(
        "Room 2",
        WORKSHOP,
        unrouted_events=UnroutedEvents.BLOCK_NONE,
        blocking=Blocking.MATCHED_EVENTS,
        matchers=(Matcher(MatcherField.ATTENDEE, "Room2@example.com"),),
    )
    assert await floor.blocked(two) == [(tomorrow(8), tomorrow(9))]
    answered = {"attendees": [guests[0], {**room, "responseStatus": "declined"}]}
    floor.sandbox.edit_event(WORKSHOP, event["id"], answered)
    await floor.look()
    assert await floor.blocked(two) == []


async def test_a_calendar_taken_off_the_list_stays_linked_and_its_rules_can_be_changed(floor: Floor) -> None:
    anna = await floor.linked_option("Anna", WORKSHOP)
    zoe = await rows.an_option(floor.business_id, "Zoe")
    await floor.signed_in(zoe)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    before = await floor.changes(ChangeKind.GOOGLE_LINK)
    floor.sandbox.unsubscribe(WORKSHOP, ANNA)
    await GoogleAccount.all().update(list_due_at=clock.now())
    await floor.settle()
    assert not (await GoogleCalendar.get(google_id=WORKSHOP)).listed
    assert len(await floor.changes(ChangeKind.GOOGLE_LINK)) > len(before)
    trial = Proposal(anna, WORKSHOP, Blocking.NO_EVENTS, None, None, tomorrow(0), tomorrow(23))
    assert isinstance(await floor.door.preview_routing(floor.business_id, trial), RoutingPreview)
    await relink(floor, anna, WORKSHOP, blocking=Blocking.NO_EVENTS, mirror_as=MirrorAs.FREE)
    assert await floor.blocked(anna) == []
    shown = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert (shown.blocking, shown.mirror_as) == (Blocking.NO_EVENTS, MirrorAs.FREE)
    assert shown.calendar is not None
    assert shown.calendar.google_id == WORKSHOP
    # Nobody new comes by it: not another option, nor this one once it left.
    answer = await floor.door.link(floor.business_id, zoe, WORKSHOP, LinkChoices())
    assert refusal(answer) == (ErrorCode.NOT_FOUND, ("input", "calendarId"))
    await floor.door.unlink(floor.business_id, anna)
    answer = await floor.door.link(floor.business_id, anna, WORKSHOP, LinkChoices())
    assert refusal(answer) == (ErrorCode.NOT_FOUND, ("input", "calendarId"))


async def test_the_rules_of_a_link_can_be_changed_after_signing_in_with_another_account(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.signed_in(anna, BEN)
    await relink(floor, anna, ANNA, blocking=Blocking.NO_EVENTS)
    shown = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert shown.blocking is Blocking.NO_EVENTS
    assert shown.calendar is not None
    assert shown.calendar.google_id == ANNA


async def test_to_wait_for_matched_events_an_option_needs_a_matcher(floor: Floor) -> None:
    anna = await floor.linked_option()
    for wrong in (
        LinkChoices(blocking=Blocking.MATCHED_EVENTS),
        LinkChoices(blocking=Blocking.MATCHED_EVENTS, matchers=()),
    ):
        answer = await floor.door.link(floor.business_id, anna, ANNA, wrong)
        assert refusal(answer) == (ErrorCode.INVALID_INPUT, ("input", "matchers"))
    trial = Proposal(anna, ANNA, Blocking.MATCHED_EVENTS, None, None, tomorrow(0), tomorrow(23))
    tried = await floor.door.preview_routing(floor.business_id, trial)
    assert refusal(tried) == (ErrorCode.INVALID_INPUT, ("input", "matchers"))
    await relink(floor, anna, ANNA, blocking=Blocking.MATCHED_EVENTS, matchers=named("Anna"))
    await relink(floor, anna, ANNA, blocking=Blocking.MATCHED_EVENTS)
    answer = await floor.door.link(floor.business_id, anna, ANNA, LinkChoices(matchers=()))
    assert refusal(answer) == (ErrorCode.INVALID_INPUT, ("input", "matchers"))
    await relink(floor, anna, ANNA, blocking=Blocking.ALL_EVENTS, matchers=())


async def test_a_link_that_waits_for_matched_events_without_a_matcher_can_be_changed_otherwise(floor: Floor) -> None:
    anna = await floor.linked_option()
    await GoogleLink.filter(option_id=anna).update(blocking=Blocking.MATCHED_EVENTS)
    await relink(floor, anna, ANNA, mirror_as=MirrorAs.FREE)
    await relink(floor, anna, ANNA, blocking=Blocking.MATCHED_EVENTS, matchers=())
    shown = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert (shown.blocking, shown.matchers, shown.mirror_as) == (Blocking.MATCHED_EVENTS, (), MirrorAs.FREE)
    await floor.door.unlink(floor.business_id, anna)
    answer = await floor.door.link(floor.business_id, anna, ANNA, LinkChoices())
    assert refusal(answer) == (ErrorCode.INVALID_INPUT, ("input", "matchers"))
