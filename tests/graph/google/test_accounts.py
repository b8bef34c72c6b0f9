"""Giving an option an account that the business has connected already, as the dashboard's admin does it over HTTP."""

from typing import Any

from models.google.tables import GoogleAccount
from tests.graph.connected_shop import ANNAS, Connected
from tests.graph.shop import codes, furnish, graphql_codes, located
from tests.served import Served

WORKSHOP = "workshop@group.calendar.google.com"


async def account_of(town: Connected) -> str:
    """Anna signs in for her option: the account's id."""
    return str((await town.sign_in(town.shop.anna))["account"]["id"])


async def use(served: Served, option: str, account: str, role: str = "admin") -> Any:
    return await served.do("UseGoogleAccount", role, input={"optionId": option, "accountId": account})


async def test_one_consent_is_enough_for_every_option(town: Connected) -> None:
    shop, served = town.shop, town.shop.served
    assert await served.do("GoogleAccounts", "admin") == []
    account = await account_of(town)
    (shown,) = await served.do("GoogleAccounts", "admin")
    assert (shown["id"], shown["email"], shown["state"]) == (account, ANNAS, "CONNECTED")
    assert [each["googleId"] for each in shown["calendars"]] == [ANNAS, "courses@group.calendar.google.com", WORKSHOP]
    async with served.following("SyncHealthChanges", "staff", optionIds=[shop.ben]) as stream:
        assert (await stream.next())["syncHealthChanges"]["option"]["google"] is None
        answer = await use(served, shop.ben, account)
        assert codes(answer) == []
        given = answer["option"]["google"]
        assert (given["account"]["id"], given["calendar"]) == (account, None)
        heard = (await stream.next())["syncHealthChanges"]["option"]["google"]
        assert heard["account"]["id"] == account
    await town.link(shop.anna, calendarId=WORKSHOP)
    linked = await town.link(shop.ben, calendarId=WORKSHOP)
    assert [each["name"] for each in linked["calendar"]["sharedWith"]] == ["Anna", "Ben"]


async def test_what_is_linked_stays_linked_and_the_rules_are_kept(town: Connected) -> None:
    shop, served = town.shop, town.shop.served
    account = await account_of(town)
    await town.link(shop.anna, mirrorAs="FREE")
    again = (await use(served, shop.anna, account))["option"]["google"]
    assert (again["calendar"]["googleId"], again["mirrorAs"]) == (ANNAS, "FREE")


async def test_an_account_that_cannot_be_used_says_why(town: Connected) -> None:
    shop, served = town.shop, town.shop.served
    account = await account_of(town)
    for unknown in ("nonsense", shop.anna, shop.haircut):
        assert located(await use(served, shop.ben, unknown)) == [("NOT_FOUND", "input.accountId")]
    for unknown in ("nonsense", account, shop.haircut):
        assert located(await use(served, unknown, account)) == [("NOT_FOUND", "input.optionId")]
    other = await furnish(await served.another("elsewhere"))
    assert located(await use(other.served, other.anna, account)) == [("NOT_FOUND", "input.accountId")]
    assert located(await use(other.served, shop.ben, account)) == [("NOT_FOUND", "input.optionId")]
    assert await other.served.do("GoogleAccounts", "admin") == []
    for role in ("staff", "public"):
        assert codes(await use(served, shop.ben, account, role)) == ["FORBIDDEN"]
        assert graphql_codes(await served.ask("GoogleAccounts", role)) == ["FORBIDDEN"]
    await served.do("DisconnectGoogleAccount", "admin", input={"accountId": account})
    assert located(await use(served, shop.ben, account)) == [("NOT_FOUND", "input.accountId")]
    assert await served.do("GoogleAccounts", "admin") == []


async def test_a_dead_consent_has_to_be_given_again_first(town: Connected) -> None:
    shop, served = town.shop, town.shop.served
    account = await account_of(town)
    await town.link(shop.anna)
    async with served.following("SyncHealthChanges", "staff", optionIds=[shop.anna]) as stream:
        town.google.revoke(ANNAS)
        await served.do("SyncGoogleCalendar", "staff", input={"optionId": shop.anna})
        while (await stream.next())["syncHealthChanges"]["option"]["google"]["account"]["state"] == "CONNECTED":
            pass
    assert located(await use(served, shop.ben, account)) == [("GOOGLE_RECONNECT_REQUIRED", "input.accountId")]
    (shown,) = await served.do("GoogleAccounts", "admin")
    assert shown["state"] == "RECONNECT_REQUIRED"


async def test_a_linked_calendar_that_was_taken_off_the_list_says_so(town: Connected) -> None:
    shop, served = town.shop, town.shop.served
    account = await account_of(town)
    calendar = (await town.link(shop.anna, calendarId=WORKSHOP))["calendar"]["id"]
    document = "query($id: ID!) { node(id: $id) { ... on GoogleCalendar { googleId listed } } }"

    async def listed() -> bool:
        answer = (await served.send(document, served.keys["staff"], {"id": calendar})).json()
        return bool(answer["data"]["node"]["listed"])

    assert await listed()
    async with served.following("SyncHealthChanges", "staff", optionIds=[shop.anna]) as stream:
        town.google.unsubscribe(WORKSHOP, ANNAS)
        await GoogleAccount.all().update(listed_at=None)
        (shown,) = await served.do("GoogleAccounts", "admin")
        while await listed():
            await stream.next()
    (shown,) = await served.do("GoogleAccounts", "admin")
    assert shown["id"] == account
    assert WORKSHOP not in [each["googleId"] for each in shown["calendars"]]
    saved = await town.link(shop.anna, calendarId=WORKSHOP, blocking="NO_EVENTS")
    assert saved["blocking"] == "NO_EVENTS"


async def test_an_account_that_no_option_uses_is_still_there(town: Connected) -> None:
    shop, served = town.shop, town.shop.served
    account = await account_of(town)
    answer = await served.do("GoogleAccounts", "admin")
    assert [each["id"] for each in answer] == [account]
    back = await town.sign_in(shop.anna, account="ben@example.com")
    assert back["account"]["id"] != account
    emails = [each["email"] for each in await served.do("GoogleAccounts", "admin")]
    assert emails == [ANNAS, "ben@example.com"]
    document = "query($id: ID!) { node(id: $id) { id ... on GoogleAccount { email } } }"
    node = (await served.send(document, served.keys["staff"], {"id": account})).json()
    assert node["data"]["node"] == {"id": account, "email": ANNAS}
    hidden = (await served.send(document, served.keys["public"], {"id": account})).json()
    assert hidden["data"]["node"] is None
