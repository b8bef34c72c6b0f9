"""Signing in with Google: there and back, once, for the right option, with what was granted."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models import clock
from models.enums import GoogleAccountState
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink, GoogleSignIn
from models.refusals import ErrorCode, Refused
from sync.accounts import sign_in
from sync.sandbox.faults import FaultKind
from sync.service import LinkChoices
from tests.served import ticket_in
from tests.sync import rows
from tests.sync.sandbox.sandbox_client import ANNA, BEN
from tests.sync.sync_stack import RETURN_TO, SCOPES_WANTED, Floor, Stages, floor_on


def code_of(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    (reason,) = answer.reasons
    return reason.code


async def begun(floor: Floor, option_id: UUID) -> sign_in.Opened:
    opened = await sign_in.begin(floor.business_id, option_id, RETURN_TO)
    assert isinstance(opened, sign_in.Opened)
    await sign_in.store(rows.SECRETS, opened)
    return opened


async def test_a_person_comes_back_to_the_editing_page_with_a_ticket(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    back = await floor.sign_in(anna)
    assert back.startswith(f"{RETURN_TO}&google_ticket=")
    assert await floor.door.connections(floor.business_id, [anna]) == {}
    assert await floor.door.complete_sign_in(floor.business_id, ticket_in(back)) == anna
    connection = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert (connection.account.email, connection.account.state) == (ANNA, GoogleAccountState.CONNECTED)
    assert connection.calendar is None


async def test_the_calendars_are_there_at_once_the_primary_one_first(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    await floor.signed_in(anna)
    account = await GoogleAccount.get()
    choices = (await floor.door.calendar_choices(floor.business_id, [account.id]))[account.id]
    assert [choice.summary for choice in choices] == [ANNA, "Courses", "Workshop"]
    assert [choice.primary for choice in choices] == [True, False, False]


async def test_tokens_lie_sealed(floor: Floor) -> None:
    await floor.signed_in(await rows.an_option(floor.business_id))
    account = await GoogleAccount.get()
    access, refresh = floor.engine._grants.unseal(account.sealed)
    stored = repr(vars(account)) + repr([vars(row) for row in await GoogleSignIn.all()])
    assert access not in stored
    assert refresh not in stored


async def test_a_ticket_is_good_once_and_for_its_own_business(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    ticket = ticket_in(await floor.sign_in(anna))
    other = await rows.a_business()
    assert code_of(await floor.door.complete_sign_in(other, ticket)) == ErrorCode.NOT_FOUND
    assert await floor.door.complete_sign_in(floor.business_id, ticket) == anna
    assert code_of(await floor.door.complete_sign_in(floor.business_id, ticket)) == ErrorCode.NOT_FOUND
    assert code_of(await floor.door.complete_sign_in(floor.business_id, "made up")) == ErrorCode.NOT_FOUND


async def test_an_old_ticket_is_refused(floor: Floor) -> None:
    ticket = ticket_in(await floor.sign_in(await rows.an_option(floor.business_id)))
    await GoogleSignIn.all().update(expires_at=clock.now() - timedelta(seconds=1))
    assert code_of(await floor.door.complete_sign_in(floor.business_id, ticket)) == ErrorCode.NOT_FOUND


async def test_a_state_is_good_once_and_for_ten_minutes(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    opened = await begun(floor, anna)
    assert await floor.door.callback({"state": "made up", "code": "x"}) is None
    assert await floor.door.callback({"code": "x"}) is None
    denied = await floor.door.callback({"state": opened.state, "error": "access_denied"})
    assert denied == f"{RETURN_TO}&google_error=access_denied"
    again = await floor.door.callback({"state": opened.state, "code": "x"})
    assert again == f"{RETURN_TO}&google_error=expired"
    late = await begun(floor, anna)
    await GoogleSignIn.all().update(expires_at=clock.now())
    assert await floor.door.callback({"state": late.state, "code": "x"}) == f"{RETURN_TO}&google_error=expired"


async def test_a_code_that_is_not_googles_brings_back_an_error(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    opened = await begun(floor, anna)
    back = await floor.door.callback({"state": opened.state, "code": "forged"})
    assert back == f"{RETURN_TO}&google_error=invalid_grant"
    assert await GoogleAccount.all() == []


async def test_what_google_calls_the_error_cannot_smuggle_anything_in(floor: Floor) -> None:
    opened = await begun(floor, await rows.an_option(floor.business_id))
    back = await floor.door.callback({"state": opened.state, "error": "x&google_ticket=stolen"})
    assert back == f"{RETURN_TO}&google_error=unknown"


async def test_boxes_left_unticked_are_stored_and_shown(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    back = await floor.sign_in(anna, scopes=SCOPES_WANTED[1:])
    assert await floor.door.complete_sign_in(floor.business_id, ticket_in(back)) == anna
    account = (await floor.door.connections(floor.business_id, [anna]))[anna].account
    assert (account.state, account.missing_scopes) == (GoogleAccountState.SCOPES_MISSING, SCOPES_WANTED[:1])
    for refused, argument in (
        (await floor.door.link(floor.business_id, anna, ANNA, LinkChoices()), "optionId"),
        (await floor.door.use_account(floor.business_id, anna, account.id), "accountId"),
    ):
        assert isinstance(refused, Refused)
        (reason,) = refused.reasons
        assert (reason.code, reason.path) == (ErrorCode.GOOGLE_RECONNECT_REQUIRED, ("input", argument))
        assert SCOPES_WANTED[0] in reason.text
        assert SCOPES_WANTED[1] not in reason.text
        assert "Sign in with it again" in reason.text


async def test_what_has_no_account_is_not_linked(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    for refused in (
        await floor.door.unlink(floor.business_id, anna),
        await floor.door.sync_now(floor.business_id, anna),
    ):
        assert isinstance(refused, Refused)
        assert [each.text for each in refused.reasons] == ["The option is not linked to a Google calendar."]
        assert code_of(refused) == ErrorCode.GOOGLE_NOT_CONNECTED


async def test_one_person_is_one_row_however_often_they_sign_in(floor: Floor) -> None:
    anna, car = await rows.an_option(floor.business_id), await rows.an_option(floor.business_id, "Car")
    await floor.signed_in(anna)
    first = await GoogleAccount.get()
    await floor.signed_in(car)
    await floor.signed_in(anna)
    again = await GoogleAccount.get()
    assert again.id == first.id
    assert again.sealed != first.sealed
    assert await GoogleLink.filter(account_id=first.id).count() == 2


async def test_two_people_are_two_rows(floor: Floor) -> None:
    await floor.signed_in(await rows.an_option(floor.business_id))
    await floor.signed_in(await rows.an_option(floor.business_id, "Ben"), BEN)
    assert {account.email for account in await GoogleAccount.all()} == {ANNA, BEN}


async def test_signing_in_anew_lets_what_waited_go_on(floor: Floor) -> None:
    anna = await floor.linked_option()
    floor.sandbox.revoke(ANNA)
    await floor.book(anna)
    await floor.look()
    assert (await GoogleAccount.get()).state == GoogleAccountState.RECONNECT_REQUIRED
    assert floor.sandbox.events(ANNA) == []
    await floor.signed_in(anna)
    await floor.settle()
    assert len(floor.sandbox.events(ANNA)) == 1
    connection = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert connection.account.state is GoogleAccountState.CONNECTED
    assert connection.calendar is not None


async def test_signing_in_with_another_account_keeps_the_calendar_until_one_is_chosen(floor: Floor) -> None:
    option_id = await floor.linked_option()
    await floor.signed_in(option_id, BEN)
    connection = (await floor.door.connections(floor.business_id, [option_id]))[option_id]
    assert connection.account.email == BEN
    assert connection.calendar is not None
    assert connection.calendar.google_id == ANNA


async def test_the_list_of_calendars_follows_google(floor: Floor) -> None:
    await floor.signed_in(await rows.an_option(floor.business_id))
    account = await GoogleAccount.get()
    floor.sandbox.add_calendar("Holidays", ANNA)
    floor.sandbox.remove_calendar("courses@group.calendar.google.com")
    await GoogleAccount.all().update(listed_at=clock.now() - timedelta(minutes=2))
    await floor.door.calendar_choices(floor.business_id, [account.id])
    await floor.settle()
    choices = (await floor.door.calendar_choices(floor.business_id, [account.id]))[account.id]
    assert [choice.summary for choice in choices] == [ANNA, "Holidays", "Workshop"]
    assert await GoogleCalendar.filter(listed=False).count() == 1


async def test_an_unknown_option_cannot_be_signed_in_for(floor: Floor) -> None:
    elsewhere = await rows.an_option(await rows.a_business())
    for option_id in (uuid4(), elsewhere):
        answer = await floor.door.start_sign_in(floor.business_id, option_id, RETURN_TO)
        assert code_of(answer) == ErrorCode.NOT_FOUND


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/options",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "http://app.example/",
        "https://app.example:444/",
        "//app.example/",
        "/options/1",
        "javascript:alert(1)",
        "https://app.example\\@evil.example/",
        "https://app.exa\tmple/",
        "https://app.example/\r\nSet-Cookie: a=b",
        "https://[app.example/",
        "",
    ],
)
def test_an_address_elsewhere_is_not_returned_to(address: str) -> None:
    assert not sign_in.is_on_origin(address, ["https://app.example"])


@pytest.mark.parametrize("address", ["https://app.example", "https://app.example/a?b=c#d", "HTTPS://APP.example/"])
def test_an_address_on_a_registered_origin_is_returned_to(address: str) -> None:
    assert sign_in.is_on_origin(address, ["https://other.example", "https://app.example/"])


async def test_a_strange_address_is_refused_with_its_field(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    answer = await floor.door.start_sign_in(floor.business_id, anna, "https://evil.example/")
    assert isinstance(answer, Refused)
    assert [(each.code, each.path) for each in answer.reasons] == [(ErrorCode.INVALID_INPUT, ("input", "returnTo"))]


@pytest.mark.usefixtures("database")
async def test_without_a_client_sign_in_says_that_it_is_not_set_up(on_stage: Stages) -> None:
    async with floor_on(on_stage, google_client_id=None) as floor:
        answer = await floor.door.start_sign_in(floor.business_id, await rows.an_option(floor.business_id), RETURN_TO)
        assert isinstance(answer, Refused)
        assert answer.reasons[0].code is ErrorCode.GOOGLE_UNAVAILABLE
        assert answer.reasons[0].text.startswith("The access to Google is not set up rightly")
        assert await GoogleSignIn.all() == []


async def test_a_list_of_calendars_that_could_not_be_read_is_tried_again_soon(floor: Floor) -> None:
    await floor.signed_in(await rows.an_option(floor.business_id))
    await floor.settle()
    await GoogleAccount.all().update(list_due_at=clock.now())
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, times=None, path="/calendarList")
    await floor.settle()
    due_at = (await GoogleAccount.get()).list_due_at
    assert clock.now() < due_at < clock.now() + timedelta(minutes=10)


def test_a_challenge_is_the_one_of_the_standard() -> None:
    # RFC 7636, appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert sign_in.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
