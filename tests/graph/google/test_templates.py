"""Google Calendar's texts: the keywords there are, what templates make of a booking, and saving them."""

import re
from typing import Any

import pytest

from models import api_key, business
from models.enums import Role
from tests.graph.connected_shop import ANNAS, Connected
from tests.graph.shop import MONDAY, Shop, at, codes, furnish, graphql_codes
from tests.operations import operations
from tests.served import Served

MEANT = ("business", "option", "service", "customer", "reference", "date", "time", "duration", "note", "manage")
"""What a template can say of a booking: every one of these is in the name of a keyword."""


async def settings(served: Served, role: str = "admin", language: str | None = None) -> Any:
    """The settings, in the language that is asked for."""
    headers = {"Authorization": f"Bearer {served.keys[role]}"}
    if language:
        headers["Accept-Language"] = language
    body = {"query": operations()["GoogleCalendarSettings"]}
    answer = (await served.http.post(f"{served.url}/graphql", json=body, headers=headers)).json()
    assert "errors" not in answer, answer
    return answer["data"]["googleCalendarSettings"]


async def preview(shop: Shop, title: str, description: str = "", location: str = "", **more: Any) -> Any:
    """What templates would make of a booking."""
    texts = {"title": title, "description": description, "location": location}
    return await shop.served.do("GoogleCalendarPreview", "admin", **texts, **more)


async def save(shop: Shop, role: str = "admin", **texts: Any) -> Any:
    """Saves templates: the payload."""
    return await shop.served.do("UpdateGoogleCalendarSettings", role, input=texts)


def texts_of(told: Any) -> dict[str, str]:
    """The three templates of an answer."""
    return {name: told[name] for name in ("titleTemplate", "descriptionTemplate", "locationTemplate")}


async def test_every_keyword_has_a_label_and_an_example_and_can_be_used(shop: Shop) -> None:
    placeholders = (await settings(shop.served))["placeholders"]
    keywords = [each["keyword"] for each in placeholders]
    assert len(keywords) == len(set(keywords))
    assert all(re.fullmatch(r"[a-z][a-z_]*", keyword) for keyword in keywords)
    assert [each for each in placeholders if not each["label"] or not each["example"]] == []
    assert [word for word in MEANT if not any(word in keyword for keyword in keywords)] == []
    assert "appointment_date" in keywords

    template = "\n".join(f"{{{keyword}}}" for keyword in keywords)
    shown = await preview(shop, "{customer_name}", template)
    assert shown["errors"] == []
    # The example booking is the one that the examples are of.
    assert shown["description"].split("\n") == [each["example"] for each in placeholders]


async def test_labels_are_said_in_the_callers_language(shop: Shop) -> None:
    english, norwegian = await settings(shop.served), await settings(shop.served, language="nb")
    assert [each["keyword"] for each in english["placeholders"]] == [
        each["keyword"] for each in norwegian["placeholders"]
    ]
    pairs = zip(english["placeholders"], norwegian["placeholders"], strict=True)
    same = [one["keyword"] for one, other in pairs if one["label"] == other["label"]]
    # A word may be the same in both languages; most are not.
    assert len(same) <= len(english["placeholders"]) // 3, same
    assert await settings(shop.served, language="de") == english
    assert await settings(shop.served, language="nb-NO, en;q=0.5") == norwegian
    labels = " ".join(each["label"] for each in norwegian["placeholders"]).lower()
    assert "kunde" in labels
    assert "dato" in labels


async def test_the_defaults_can_be_previewed(shop: Shop) -> None:
    shown = await preview(shop, *texts_of(await settings(shop.served)).values())
    assert (shown["errors"], bool(shown["title"])) == ([], True)


async def test_what_goes_to_google_is_in_the_business_language_whoever_asks(shop: Shop) -> None:
    business_id = await business.create("salong", "Salong", "Europe/Oslo", language="nb")
    keys = {role.lower(): (await api_key.create(business_id, role, "a key"))[1] for role in Role}
    salong = await furnish(Served(shop.served.url, business_id, keys, shop.served.http))
    said = []
    for each in (shop, salong):
        booking = (await each.booked(at("10:00")))["booking"]["id"]
        texts = {"title": "{appointment_date}", "description": "", "location": ""}
        for language in ("en", "nb"):
            body = {"query": operations()["GoogleCalendarPreview"], "variables": {**texts, "bookingId": booking}}
            headers = {"Authorization": f"Bearer {each.served.keys['admin']}", "Accept-Language": language}
            answer = await each.served.http.post(f"{each.served.url}/graphql", json=body, headers=headers)
            said.append(answer.json()["data"]["googleCalendarPreview"]["title"])
    english, still_english, norwegian, still_norwegian = said
    assert (english, norwegian) == (still_english, still_norwegian)
    assert str(MONDAY.day) in english
    assert str(MONDAY.day) in norwegian
    assert english != norwegian
    assert texts_of(await settings(salong.served, language="en")) == texts_of(await settings(salong.served))


async def test_a_preview_shows_a_real_booking(each_shop: Shop) -> None:
    shop = each_shop
    made = (await shop.booked(at("10:00"), optionId=shop.anna, note="Short, please"))["booking"]
    keywords = {each["keyword"] for each in (await settings(shop.served))["placeholders"]}
    template = "\n".join(f"{keyword}: {{{keyword}}}" for keyword in sorted(keywords))
    shown = await preview(
        shop, "{customer_name} ({service_name})", template, "With {option_name}", bookingId=made["id"]
    )
    assert (shown["title"], shown["location"]) == ("Kari Nordmann (Haircut)", "With Anna")
    for said in ("Studio", "kari@example.no", "+47 22 33 44 55", made["reference"], "Short, please", "10:00", "11:00"):
        assert said in shown["description"], said
    assert "60" in shown["description"] or "1 h" in shown["description"].lower()


async def test_a_preview_of_a_booking_says_nothing_for_what_it_lacks(shop: Shop) -> None:
    made = (await shop.booked(at("10:00"), customer={"name": "Åse"}))["booking"]
    shown = await preview(
        shop, "{customer_name}", "<{customer_email}{booking_note}>", "{customer_phone}", bookingId=made["id"]
    )
    assert shown == {"title": "Åse", "description": "<>", "location": "", "errors": []}


async def test_what_a_customer_writes_is_text_and_no_template(shop: Shop) -> None:
    written = "{reference} {{note}} <b> %s \\ {"
    made = (await shop.booked(at("10:00"), customer={"name": written}))["booking"]
    shown = await preview(shop, "{customer_name}", bookingId=made["id"])
    assert (shown["title"], shown["errors"]) == (written, [])


async def test_two_braces_stand_for_one(shop: Shop) -> None:
    shown = await preview(shop, "{{customer_name}} {{", "{{{customer_name}}}")
    assert shown["errors"] == []
    assert shown["title"].startswith("{customer_name}")
    name = (await preview(shop, "{customer_name}"))["title"]
    assert shown["description"].startswith("{" + name)


async def test_an_unknown_keyword_is_named_with_its_template_and_place(shop: Shop) -> None:
    before = await settings(shop.served)
    refused = await preview(shop, "Hello {customer_nam}", "{customer_name} {Note}", "")
    assert (refused["title"], codes(refused)) == (None, ["UNKNOWN_PLACEHOLDER"] * 2)
    first, second = refused["errors"]
    assert "customer_nam" in first["message"]
    assert re.search(r"\b[67]\b", first["message"])
    assert first["path"][-1] == "titleTemplate"
    assert "Note" in second["message"]
    assert re.search(r"\b1[67]\b", second["message"])
    assert second["path"][-1] == "descriptionTemplate"
    for wrong in (
        "{customer_nam}",
        "{}",
        "{ }",
        "{customer name}",
        "{note.__class__}",
        "{note!r}",
        "{0}",
        "{appointment_date:%Y}",
    ):
        refused = await save(shop, titleTemplate=wrong)
        assert refused["settings"] is None, wrong
        assert set(codes(refused)) <= {"UNKNOWN_PLACEHOLDER", "INVALID_INPUT"}, wrong
        assert {tuple(error["path"]) for error in refused["errors"]} == {("input", "titleTemplate")}, wrong
    assert await settings(shop.served) == before


@pytest.mark.parametrize(
    ("template", "position"), [("{", 1), ("Hi { there", 4), ("{customer_name", 1), ("{{{ {customer_name}", 3)]
)
async def test_a_brace_that_nothing_closes_is_quoted_as_it_was_typed(shop: Shop, template: str, position: int) -> None:
    (error,) = (await save(shop, titleTemplate=template))["errors"]
    assert (error["code"], error["path"]) == ("UNKNOWN_PLACEHOLDER", ["input", "titleTemplate"])
    assert error["message"] == (
        f"`{{` at character {position} opens no placeholder. Close it with `}}`, or write `{{{{` for a literal brace."
    )


async def test_saved_texts_are_kept_and_null_goes_back_to_the_default(each_shop: Shop) -> None:
    shop = each_shop
    default = texts_of(await settings(shop.served))
    mine = {
        "titleTemplate": "{service_name} 💇 {customer_name}",
        "descriptionTemplate": "Line one\nLine two: {{{booking_note}",
        "locationTemplate": "",
    }
    assert await save(shop, **mine) == {"settings": mine, "errors": []}
    assert texts_of(await settings(shop.served)) == mine
    # What is left out stays.
    assert (await save(shop, locationTemplate="{option_name}"))["settings"] == {
        **mine,
        "locationTemplate": "{option_name}",
    }
    assert (await save(shop))["settings"] == {**mine, "locationTemplate": "{option_name}"}
    back = await save(shop, titleTemplate=None, locationTemplate=None)
    assert back["settings"] == {**default, "descriptionTemplate": mine["descriptionTemplate"]}
    assert (await save(shop, descriptionTemplate=None))["settings"] == default
    other = await furnish(await shop.served.another("elsewhere"))
    await save(shop, **mine)
    assert texts_of(await settings(other.served)) == default


async def test_one_wrong_text_saves_none_of_them(shop: Shop) -> None:
    before = await settings(shop.served)
    cursor = await shop.cursor()
    refused = await save(shop, titleTemplate="Fine", descriptionTemplate="{nonsense}", locationTemplate=None)
    assert (refused["settings"], codes(refused)) == (None, ["UNKNOWN_PLACEHOLDER"])
    assert refused["errors"][0]["path"] == ["input", "descriptionTemplate"]
    refused = await save(shop, titleTemplate="x" * 100_000)
    assert (refused["settings"], codes(refused)) == (None, ["INVALID_INPUT"])
    assert (await settings(shop.served), await shop.cursor()) == (before, cursor)


async def test_only_an_admin_sees_previews_and_saves_the_texts(shop: Shop) -> None:
    before = await settings(shop.served)
    for role in ("public", "staff"):
        assert graphql_codes(await shop.served.ask("GoogleCalendarSettings", role)) == ["FORBIDDEN"]
        asked = await shop.served.ask("GoogleCalendarPreview", role, title="{nonsense}", description="", location="")
        assert graphql_codes(asked) == ["FORBIDDEN"]
        refused = await save(shop, role, titleTemplate="{nonsense}")
        assert (refused["settings"], codes(refused)) == (None, ["FORBIDDEN"])
    assert await settings(shop.served) == before


async def test_a_preview_of_what_is_no_booking_here_shows_nobody(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    theirs = (await other.booked(at("10:00")))["booking"]["id"]
    for unknown in ("", "nonsense", shop.anna, theirs):
        texts = {"title": "{customer_name}", "description": "", "location": ""}
        answer = await shop.served.ask("GoogleCalendarPreview", "admin", **texts, bookingId=unknown)
        assert "Kari" not in str(answer), unknown
        if graphql_codes(answer):
            assert graphql_codes(answer) == ["BAD_USER_INPUT"]
        else:
            shown = answer["data"]["googleCalendarPreview"]
            assert (shown["title"], codes(shown)) == (None, ["NOT_FOUND"]), unknown


async def test_saving_writes_every_future_booking_anew_as_the_preview_shows_it(town: Connected) -> None:
    shop = town.shop
    await town.sign_in(shop.anna)
    await town.link(shop.anna)
    made = [(await shop.booked(at(clock), optionId=shop.anna))["booking"]["id"] for clock in ("10:00", "12:00")]
    async with shop.served.following("CalendarChanges", "staff", after=await shop.cursor()) as dashboard:
        for title in ("{customer_name} {{{booking_reference}}}", "Kept: {service_name} {appointment_date}"):
            assert (await save(shop, titleTemplate=title))["errors"] == []
            expected = {(await preview(shop, title, bookingId=each))["title"] for each in made}
            while {event["summary"] for event in town.google.events(ANNAS)} != expected:
                await dashboard.next()
