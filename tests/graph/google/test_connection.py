"""What health says is wrong, and who has to do what about it, in the caller's language."""

from collections.abc import Awaitable, Callable
from typing import Any

from sync.sandbox.calendars.calendars import Role
from sync.sandbox.faults import FaultKind
from tests.graph.connected_shop import ANNAS, Connected
from tests.graph.shop import at
from tests.operations import operations
from tests.served import Stream

BEN = "ben@example.com"
WORKSHOP = "workshop@group.calendar.google.com"
CODES = {
    "GOOGLE_RECONNECT_REQUIRED": (
        "Google no longer accepts the account's consent. An admin has to sign in with Google again with this account.",
        "Google godtar ikke lenger samtykket fra kontoen. En administrator må logge inn med Google på nytt med denne "
        "kontoen.",
    ),
    "GOOGLE_CALENDAR_READ_ONLY": (
        "The Google account may only read this calendar, so bookings are not shown in it. The calendar's owner has to "
        "let the account make changes to events, or an admin has to link another calendar.",
        "Google-kontoen kan bare lese denne kalenderen, så bestillinger vises ikke der. Eieren av kalenderen må la "
        "kontoen endre aktiviteter, eller en administrator må koble til en annen kalender.",
    ),
    "GOOGLE_UNAVAILABLE": (
        "Google does not answer as it should. It is tried again by itself; there is nothing to do.",
        "Google svarer ikke som det skal. Det prøves igjen av seg selv; ingen trenger å gjøre noe.",
    ),
}


async def health(town: Connected, option: str, language: str) -> Any:
    """The health of an option's connection, as staff see it in a language."""
    served = town.shop.served
    headers = {"Authorization": f"Bearer {served.keys['staff']}", "Accept-Language": language}
    answer = await served.http.post(f"{served.url}/graphql", json={"query": operations()["Home"]}, headers=headers)
    nodes = answer.json()["data"]["options"]["nodes"]
    return next(each["google"]["health"] for each in nodes if each["id"] == option)


async def until(stream: Stream, holds: Callable[[Any], bool]) -> None:
    """Follows an option's health until it is so."""
    while not holds((await stream.next())["syncHealthChanges"]["option"]["google"]["health"]):
        pass


async def said(town: Connected, option: str, way: str) -> tuple[str, str]:
    """The state of one direction, and what is said of it in English and Norwegian, whose code is the same."""
    told = [(await health(town, option, language))[way] for language in ("en", "nb")]
    code = told[0]["error"]["code"]
    assert [each["error"]["message"] for each in told] == list(CODES[code])
    return told[0]["state"], code


async def followed(
    town: Connected, option: str, act: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]
) -> None:
    """Does something, and waits until health is so."""
    async with town.shop.served.following("SyncHealthChanges", "staff", optionIds=[option]) as stream:
        await act()
        await until(stream, holds)


async def synced(town: Connected, option: str) -> None:
    await town.shop.served.do("SyncGoogleCalendar", "staff", input={"optionId": option})


async def test_a_revoked_grant_says_in_both_directions_who_has_to_sign_in(town: Connected) -> None:
    anna = town.shop.anna
    await town.sign_in(anna)
    await town.link(anna)
    town.google.revoke(ANNAS)
    await followed(town, anna, lambda: synced(town, anna), lambda now: now["inbound"]["state"] == "ACTION_REQUIRED")
    for way in ("inbound", "outbound"):
        assert await said(town, anna, way) == ("ACTION_REQUIRED", "GOOGLE_RECONNECT_REQUIRED")


async def test_a_calendar_that_may_only_be_read_says_that_nothing_goes_out_and_why(town: Connected) -> None:
    shop = town.shop
    town.google.share(WORKSHOP, BEN, Role.READER)
    await town.sign_in(shop.ben, account=BEN)

    async def link() -> None:
        await town.link(shop.ben, calendarId=WORKSHOP)
        await shop.booked(at("10:00"), optionId=shop.ben)

    await followed(town, shop.ben, link, lambda now: now["inbound"]["state"] == "OK")
    assert await said(town, shop.ben, "outbound") == ("IDLE", "GOOGLE_CALENDAR_READ_ONLY")
    assert (await health(town, shop.ben, "en"))["inbound"]["error"] is None
    booking = next(each for each in (await shop.calendar())["entries"] if each["__typename"] == "Booking")
    assert booking["mirror"]["state"] == "NOT_LINKED"


async def test_what_google_says_itself_reaches_nobody(town: Connected) -> None:
    anna = town.shop.anna
    await town.sign_in(anna)
    town.google.faults.add(FaultKind.SERVER_ERROR, None)
    await followed(town, anna, lambda: town.link(anna), lambda now: now["inbound"]["error"] is not None)
    assert (await said(town, anna, "inbound"))[1] == "GOOGLE_UNAVAILABLE"
