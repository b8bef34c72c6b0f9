"""Disconnecting an account: gone for clients at once, out of Google soon, its consent ended when nobody needs it."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models import clock
from models.bookings.booking import Booking
from models.enums import ChangeAction, ChangeKind, GoogleAccountState, MirrorState
from models.google.event import GoogleEvent
from models.google.mirror import Mirror
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleChannel, GoogleLink
from models.refusals import ErrorCode, Refused
from sync import leases
from sync.accounts import disconnect as leaving
from sync.leases import Direction
from sync.sandbox.errors import OAuthError
from sync.sandbox.faults import FaultKind
from sync.service import LinkChoices
from tests.served import ticket_in
from tests.sync import rows
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN, CLIENT, WORKSHOP
from tests.sync.sync_stack import Floor, busy

PATIENCE = 20.0
LATER = timedelta(hours=24, minutes=1)


async def the_account(business_id: UUID) -> GoogleAccount:
    return await GoogleAccount.get(business_id=business_id)


async def disconnect(floor: Floor, business_id: UUID | None = None) -> tuple[UUID, ...]:
    """The only account of the business goes; its options."""
    business_id = business_id or floor.business_id
    answer = await floor.door.disconnect(business_id, (await the_account(business_id)).id)
    assert not isinstance(answer, Refused), answer
    return answer


async def refresh_token(floor: Floor, business_id: UUID | None = None) -> str:
    return floor.engine._grants.unseal((await the_account(business_id or floor.business_id)).sealed)[1]


def is_good(floor: Floor, token: str) -> bool:
    """Whether Google would still give an access token for it."""
    try:
        floor.sandbox.grants.refresh(token, CLIENT["client_id"])
    except OAuthError:
        return False
    return True


async def made_late() -> None:
    """Who is leaving has been for more than a day."""
    for row in await GoogleAccount.filter(leaving_at__isnull=False):
        await GoogleAccount.filter(id=row.id).update(leaving_at=row.leaving_at - LATER)


async def test_a_disconnected_account_leaves_nothing_behind(floor: Floor) -> None:
    anna, zoe = await floor.linked_option("Anna"), await floor.linked_option("Zoe", WORKSHOP)
    bookings = [await floor.book(anna), await floor.book(zoe)]
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13), summary="Lunch"))
    await floor.look()
    (lunch,) = await GoogleEvent.all()
    links = {row.id async for row in GoogleLink.all()}
    token = await refresh_token(floor)
    assert await disconnect(floor) == (anna, zoe)
    assert await floor.door.connections(floor.business_id, [anna, zoe]) == {}
    assert await floor.blocked(anna) == []
    assert set((await floor.changes(ChangeKind.GOOGLE_LINK))[-2:]) == {(ChangeAction.REMOVED, each) for each in links}
    await floor.settle()
    assert [event["summary"] for event in floor.sandbox.events(ANNA)] == ["Lunch"]
    assert floor.sandbox.events(WORKSHOP) == []
    assert (await floor.changes())[-1] == (ChangeAction.REMOVED, lunch.id)
    for table in (GoogleAccount, GoogleCalendar, GoogleLink, GoogleChannel, GoogleEvent, Mirror):
        assert await table.all() == []
    assert not is_good(floor, token)
    shown = await floor.door.mirror_states(floor.business_id, bookings)
    assert {each.state for each in shown.values()} == {MirrorState.NOT_LINKED}


async def test_an_account_is_kept_until_its_events_are_out_of_google(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.settle()
    came = floor.held("DELETE", "/events")
    await disconnect(floor)
    await floor.worker.start_due()
    async with asyncio.timeout(PATIENCE):
        await came.wait()
    await floor.worker.start_due()
    assert (await the_account(floor.business_id)).leaving_at
    floor.sandbox.faults.clear()
    await floor.worker.finish()
    await floor.settle()
    assert floor.sandbox.events(ANNA) == []
    assert await GoogleAccount.all() == []


async def test_google_has_a_day_to_answer_and_no_longer(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, None, path="/calendars/")
    await disconnect(floor)
    await floor.settle()
    assert await leaving.claim(clock.now()) is None
    await made_late()
    before = len(await floor.changes(ChangeKind.BOOKING))
    await floor.settle()
    assert await GoogleAccount.all() == []
    assert (await floor.changes(ChangeKind.BOOKING))[before:] == [(ChangeAction.UPSERTED, booking)]
    assert (await floor.door.mirror_states(floor.business_id, [booking]))[booking].state is MirrorState.NOT_LINKED


async def test_a_dead_grant_is_forgotten_at_once(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13)))
    await floor.look()
    floor.sandbox.revoke(ANNA)
    await GoogleAccount.filter(business_id=floor.business_id).update(access_expires_at=clock.now())
    await floor.look()
    assert (await the_account(floor.business_id)).state == GoogleAccountState.RECONNECT_REQUIRED
    (row,) = await GoogleEvent.all()
    assert await disconnect(floor) == (anna,)
    # Not before its events are gone from here, each told of.
    assert await leaving.claim(clock.now()) is None
    await floor.settle()
    assert await GoogleAccount.all() == []
    assert (await floor.changes())[-1] == (ChangeAction.REMOVED, row.id)


async def test_work_that_outlives_its_account_ends_quietly(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    await floor.book(await floor.linked_option())
    (lease,) = await leases.claim(Direction.PUSH, 1, clock.now())
    came = floor.held("POST", "/events")
    working = asyncio.create_task(floor.engine.work(lease))
    await came.wait()
    await GoogleAccount.all().delete()
    floor.sandbox.revoke(ANNA)
    floor.sandbox.faults.clear()
    await working
    assert "Traceback" not in caplog.text


async def test_a_list_that_outlives_its_account_is_not_stored(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    await floor.linked_option()
    came = floor.held("GET", "/calendarList")
    listing = asyncio.create_task(floor.engine.list_calendars((await the_account(floor.business_id)).id))
    await came.wait()
    await GoogleAccount.all().delete()
    floor.sandbox.faults.clear()
    await listing
    assert await GoogleCalendar.all() == []
    assert "Traceback" not in caplog.text


async def test_a_revocation_that_fails_holds_nothing_up(floor: Floor) -> None:
    await floor.linked_option()
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, None, path="/revoke")
    await disconnect(floor)
    await floor.settle()
    assert await GoogleAccount.all() == []


async def test_tokens_that_no_key_opens_hold_nothing_up(floor: Floor) -> None:
    await floor.linked_option()
    await disconnect(floor)
    state = GoogleAccountState.RECONNECT_REQUIRED
    await GoogleAccount.filter(business_id=floor.business_id).update(sealed="sealed by nobody", state=state)
    await floor.settle()
    assert await GoogleAccount.all() == []


async def second_business(floor: Floor) -> UUID:
    """Another business in which Anna signed in."""
    first, other = floor.business_id, await rows.a_business()
    floor.business_id = other
    await floor.linked_option("Anna over there")
    floor.business_id = first
    return other


async def test_a_grant_that_another_business_uses_is_not_ended(floor: Floor) -> None:
    await floor.linked_option()
    other = await second_business(floor)
    token = await refresh_token(floor, other)
    await disconnect(floor)
    await floor.settle()
    assert [row.business_id for row in await GoogleAccount.all()] == [other]
    assert is_good(floor, token)
    await disconnect(floor, other)
    await floor.settle()
    assert not is_good(floor, token)


async def test_who_leaves_from_two_businesses_is_waited_for_in_both(floor: Floor) -> None:
    await floor.linked_option()
    other = await second_business(floor)
    anna = await rows.an_option(other, "Anna")
    booking = await rows.a_booking(other, anna)
    calendar = await GoogleCalendar.get(business_id=other, google_id=ANNA)
    await Mirror.create(
        business_id=other, booking_id=booking, calendar_id=calendar.id, google_id="tb00000", created_at=clock.now()
    )
    await disconnect(floor)
    await disconnect(floor, other)
    await floor.settle()
    assert await GoogleAccount.all().count() == 2
    await GoogleCalendar.filter(id=calendar.id).update(push_due_at=clock.now())
    await floor.settle()
    assert await GoogleAccount.all() == []


async def test_signing_in_again_calls_it_off(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.settle()
    came = floor.held("DELETE", "/events")
    await disconnect(floor)
    await floor.worker.start_due()
    async with asyncio.timeout(PATIENCE):
        await came.wait()
    await floor.signed_in(anna)
    floor.sandbox.faults.clear()
    await floor.worker.finish()
    await floor.settle()
    account = await the_account(floor.business_id)
    assert account.leaving_at is None
    assert is_good(floor, await refresh_token(floor))
    linked = await floor.door.link(floor.business_id, anna, ANNA, LinkChoices())
    assert not isinstance(linked, Refused)
    await floor.settle()
    assert len(floor.sandbox.events(ANNA)) == 1


async def test_who_signs_in_while_the_grant_is_being_ended_is_not_forgotten(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.settle()
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, None, method="DELETE")
    await disconnect(floor)
    await floor.settle()
    await made_late()
    came = floor.held("POST", "/revoke")
    coming = asyncio.create_task(came.wait())
    async with asyncio.timeout(PATIENCE):
        while not coming.done():
            await floor.worker.start_due()
            await asyncio.wait({coming, *floor.worker._tasks()}, return_when=asyncio.FIRST_COMPLETED)
    await floor.signed_in(anna)
    floor.sandbox.faults.clear()
    await floor.worker.finish()
    assert (await the_account(floor.business_id)).leaving_at is None
    assert await Mirror.all().count() == 1


async def test_a_ticket_from_before_ties_nothing_to_the_account_again(floor: Floor) -> None:
    anna = await floor.linked_option()
    ticket = ticket_in(await floor.sign_in(anna))
    await disconnect(floor)
    answer = await floor.door.complete_sign_in(floor.business_id, ticket)
    assert isinstance(answer, Refused)
    assert await GoogleLink.all() == []


async def test_an_option_that_signed_in_with_another_account_keeps_that_one(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.settle()
    await floor.signed_in(anna, BEN)
    account = await GoogleAccount.get(email=ANNA)
    assert await floor.door.disconnect(floor.business_id, account.id) == (anna,)
    await floor.settle()
    connection = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert (connection.account.email, connection.calendar) == (BEN, None)
    assert floor.sandbox.events(ANNA) == []
    assert [row.email for row in await GoogleAccount.all()] == [BEN]


async def test_an_option_that_shares_the_calendar_through_another_account_stays_linked(floor: Floor) -> None:
    one = await floor.linked_option("Room 1", WORKSHOP)
    two = await floor.linked_option("Room 2", WORKSHOP, BEN)
    await floor.book(one)
    kept = await floor.book(two, tomorrow(11))
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(13), tomorrow(14), summary="Party"))
    await floor.look()
    account = await GoogleAccount.get(email=ANNA)
    assert await floor.door.disconnect(floor.business_id, account.id) == (one,)
    await floor.settle()
    assert [row.email for row in await GoogleAccount.all()] == [BEN]
    assert await floor.blocked(one) == []
    assert await floor.blocked(two) == [(tomorrow(13), tomorrow(14))]
    assert len(floor.sandbox.events(WORKSHOP)) == 2
    assert (await floor.door.mirror_states(floor.business_id, [kept]))[kept].state is MirrorState.MIRRORED


async def test_our_events_in_a_calendar_that_stays_linked_stay_ours(floor: Floor) -> None:
    floor.sandbox.share(WORKSHOP, BEN, "writer")
    one = await floor.linked_option("Room 1", WORKSHOP)
    two = await floor.linked_option("Room 2", WORKSHOP, BEN)
    past, coming = await floor.book(one, tomorrow(9)), await floor.book(one, tomorrow(11))
    await floor.settle()
    assert len(floor.sandbox.events(WORKSHOP)) == 2
    # The first booking's event is written, and then the booking is over.
    over = clock.now() - rows.HOUR
    await Booking.filter(id=past).update(starts_at=over - rows.HOUR, ends_at=over)
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, None, method="DELETE", path="/events")
    account = await GoogleAccount.get(email=ANNA)
    assert await floor.door.disconnect(floor.business_id, account.id) == (one,)
    await floor.settle()
    await made_late()
    await floor.settle()
    assert [row.email for row in await GoogleAccount.all()] == [BEN]
    floor.sandbox.faults.clear()
    await GoogleCalendar.filter(google_id=WORKSHOP).update(sync_token=None)
    await floor.look()
    assert len(floor.sandbox.events(WORKSHOP)) == 1
    assert await floor.blocked(two) == []
    shown = await floor.door.mirror_states(floor.business_id, [past, coming])
    assert [shown[each].state for each in (past, coming)] == [MirrorState.MIRRORED, MirrorState.NOT_LINKED]


async def test_only_a_connected_account_of_the_business_can_be_disconnected(floor: Floor) -> None:
    await floor.linked_option()
    account = await the_account(floor.business_id)
    other = await rows.a_business()
    for business_id, account_id in ((other, account.id), (floor.business_id, uuid4())):
        answer = await floor.door.disconnect(business_id, account_id)
        assert isinstance(answer, Refused)
        assert [(each.code, each.path) for each in answer.reasons] == [(ErrorCode.NOT_FOUND, ("input", "accountId"))]
    await disconnect(floor)
    assert isinstance(await floor.door.disconnect(floor.business_id, account.id), Refused)
