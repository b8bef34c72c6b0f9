"""The explorer in a real browser against a real server: no other host, and one key for queries and streams."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import Page, blank_page, chromium, executable

PROGRAM = executable()

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="needs a Chromium or Chrome on the PATH"),
]

PLAY = ".graphiql-execute-button"
DOCS = "document.querySelector('.graphiql-doc-explorer')"
STANDING = "document.getElementById('standing').textContent"
QUERY = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
VARIABLES = "document.querySelector('[aria-label=Variables] .CodeMirror').CodeMirror"
RESPONSE = "document.querySelector('.result-window .CodeMirror').CodeMirror"
FILLED_IN = f"!{VARIABLES}.getValue().includes('<')"
TABS = "[...document.querySelectorAll('.graphiql-tab-button')]"

CURSOR = """query($from: DateTime!, $to: DateTime!) {
  calendar(from: $from, to: $to) { cursor }
}"""


class ServedDemo(Protocol):
    """The demo on a real port: ``url`` is its origin, without a path."""

    url: str
    public_key: str
    staff_key: str
    admin_key: str
    printed: str


@pytest.fixture(scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    assert PROGRAM is not None
    async with chromium(PROGRAM, tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture
async def page(browser: str, served_demo: ServedDemo) -> AsyncIterator[Page]:
    """The explorer, opened without a key."""
    async with blank_page(browser) as page:
        await _open(page, f"{served_demo.url}/graphql")
        yield page


async def _open(page: Page, url: str) -> None:
    await page.open(url)
    await page.until(f"{TABS}.length > 1 && {DOCS}?.innerText.includes('Root Types')")


async def _enter(page: Page, key: str, standing: str) -> None:
    await page.type_into("#key", key)
    await page.until(f"{STANDING}.startsWith({json.dumps(standing)})")


async def _choose(page: Page, name: str) -> None:
    await page.evaluate(f"{TABS}.find(tab => tab.textContent === {json.dumps(name)}).click()")
    await page.until(f"{QUERY}.operationName === {json.dumps(name)}")  # GraphiQL has read the text by then


async def _beside(page: Page, key: str, query: str, variables: dict[str, Any]) -> Any:
    """What a second window with that key would be answered."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    body = json.dumps({"query": query, "variables": variables})
    request = json.dumps({"method": "POST", "headers": headers, "body": body})
    answer = await page.evaluate(f"fetch('/graphql', {request}).then(response => response.json())")
    assert "errors" not in answer, answer
    return answer["data"]


async def test_the_docs_stand_open_without_a_key_and_nothing_comes_from_another_host(
    served_demo: ServedDemo, page: Page
) -> None:
    await page.evaluate("document.fonts.ready")

    assert await page.evaluate(STANDING) == "No key: documentation only"
    assert await page.evaluate(f"{DOCS}.innerText.includes('subscription')")
    hosts = {urlsplit(url).netloc for url in page.requested if not url.startswith("data:")}
    assert hosts == {urlsplit(served_demo.url).netloc}
    assert page.complaints == []


async def test_a_key_typed_in_fills_in_the_first_query_and_makes_it_answer(served_demo: ServedDemo, page: Page) -> None:
    await _enter(page, served_demo.public_key, "Public key")
    await page.until(FILLED_IN)
    await page.click(PLAY)
    await page.until(f"{RESPONSE}.getValue().includes('availability')")

    answer = json.loads(await page.evaluate(f"{RESPONSE}.getValue()"))
    assert "errors" not in answer
    assert any(day["slots"] for day in answer["data"]["availability"]["days"])
    assert page.complaints == []


async def test_the_first_booking_books_and_the_subscription_sees_it(served_demo: ServedDemo, page: Page) -> None:
    key = served_demo.staff_key
    await _enter(page, key, "Staff key")
    await page.until(FILLED_IN)
    week = json.loads(await page.evaluate(f"{VARIABLES}.getValue()"))
    before = await _beside(page, key, CURSOR, {"from": week["from"], "to": week["to"]})
    await _choose(page, "FirstBooking")
    await page.until(FILLED_IN)
    query = await page.evaluate(f"{QUERY}.getValue()")
    variables = json.loads(await page.evaluate(f"{VARIABLES}.getValue()"))

    await _choose(page, "FirstSubscription")
    after = json.dumps({"after": before["calendar"]["cursor"]})
    await page.evaluate(f"{VARIABLES}.setValue({json.dumps(after)})")
    await page.click(PLAY)
    booking = (await _beside(page, key, query, variables))["createBooking"]["booking"]
    await page.until(f"{RESPONSE}.getValue().includes({json.dumps(booking['reference'])})")

    change = json.loads(await page.evaluate(f"{RESPONSE}.getValue()"))["data"]["calendarChanges"]
    assert change["action"] == "UPSERTED"
    assert change["entryId"] == booking["id"]
    assert page.complaints == []


async def test_every_ready_tab_answers_with_something(served_demo: ServedDemo, page: Page) -> None:
    await _enter(page, served_demo.staff_key, "Staff key")
    await page.until(FILLED_IN)
    answered = []
    for name in await page.evaluate(f"{TABS}.map(tab => tab.textContent)"):
        await _choose(page, name)
        await page.until(FILLED_IN)
        if name == "FirstSubscription":
            continue  # It begins with the next change.
        await page.click(PLAY)
        await page.until(f"{RESPONSE}.getValue().includes('\"data\"')")
        answer = json.loads(await page.evaluate(f"{RESPONSE}.getValue()"))
        assert "errors" not in answer, name
        assert all(answer["data"].values()), name
        answered.append(name)
    assert answered == ["FirstQuery", "FirstBooking", "Home", "Bookings", "SyncHealth"]
    assert page.complaints == []


async def test_another_key_ends_the_stream_of_the_one_before(served_demo: ServedDemo, page: Page) -> None:
    await _enter(page, served_demo.staff_key, "Staff key")
    await _choose(page, "FirstSubscription")
    await page.click(PLAY)
    await page.until(f"document.querySelector('{PLAY}').ariaLabel.startsWith('Stop')")

    await _enter(page, served_demo.public_key, "Public key")
    await page.until(f"document.querySelector('{PLAY}').ariaLabel.startsWith('Execute')")
    await page.click(PLAY)
    await page.until(f"{RESPONSE}.getValue().includes('FORBIDDEN')")


async def test_a_wrong_key_is_named_as_such_and_opens_no_stream(page: Page) -> None:
    await _enter(page, "no-such-key", "Not a valid key")
    await _choose(page, "FirstSubscription")
    await page.click(PLAY)
    await page.until(f"{RESPONSE}.getValue().includes('4403')")


async def test_a_link_brings_a_key_that_leaves_the_address_bar(served_demo: ServedDemo, page: Page) -> None:
    await page.open("about:blank")
    await _open(page, f"{served_demo.url}/graphql#key={served_demo.admin_key}")
    await page.until(f"{STANDING}.startsWith('Admin key')")
    assert await page.evaluate("location.href") == f"{served_demo.url}/graphql"

    await page.open(f"{served_demo.url}/graphql#key={served_demo.staff_key}")
    await page.until(f"{STANDING}.startsWith('Staff key')")
    assert await page.evaluate("location.href") == f"{served_demo.url}/graphql"


async def test_a_reload_keeps_the_key_and_the_tabs_but_stores_no_key_for_other_windows(
    served_demo: ServedDemo, page: Page
) -> None:
    await _enter(page, served_demo.admin_key, "Admin key")
    tabs = await page.evaluate(f"{TABS}.map(tab => tab.textContent)")
    await page.until("localStorage.getItem('timebok:graphiql:tabState') !== null")
    await page.open("about:blank")
    await _open(page, f"{served_demo.url}/graphql")
    await page.until(f"{STANDING}.startsWith('Admin key')")

    assert await page.evaluate(f"{TABS}.map(tab => tab.textContent)") == tabs
    assert not await page.evaluate(f"JSON.stringify(localStorage).includes({json.dumps(served_demo.admin_key)})")
    assert not any(served_demo.admin_key in url for url in page.requested)


async def _dress(page: Page, width: int, scheme: str = "light") -> None:
    """The page as a screen of that width, and a system of that colour scheme, shows it."""
    await page.send(
        "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 700
    )
    await page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


@pytest.mark.parametrize(("scheme", "is_dark"), [("dark", True), ("light", False)])
async def test_it_is_as_dark_as_the_system(browser: str, served_demo: ServedDemo, scheme: str, is_dark: bool) -> None:
    async with blank_page(browser) as page:
        await _dress(page, 1440, scheme)
        await _open(page, f"{served_demo.url}/graphql")
        for selector in ("body", ".graphiql-container", ".graphiql-editors"):
            color = f"getComputedStyle(document.querySelector('{selector}')).backgroundColor"
            red, *_ = await page.evaluate(f"{color}.match(/[\\d.]+/g).map(Number)")
            assert (red < 128) is is_dark, selector


async def _press_ctrl_k(page: Page) -> None:
    for kind in ("keyDown", "keyUp"):
        await page.send("Input.dispatchKeyEvent", type=kind, key="k", code="KeyK", modifiers=2)


SEARCHES = "document.activeElement.closest('.graphiql-doc-explorer-search') !== null"


async def test_the_search_of_the_docs_opens_with_the_key_it_names(page: Page) -> None:
    assert await page.evaluate(f"{DOCS}.querySelector('input').placeholder") in ("Ctrl K", "⌘ K")
    await page.evaluate(f"{QUERY}.focus()")
    await _press_ctrl_k(page)
    await page.until(SEARCHES)

    await page.click("[aria-label='Hide Documentation Explorer']")
    await page.until(f"!{DOCS}")
    await _press_ctrl_k(page)
    await page.until(f"{DOCS} && {SEARCHES}")

    # A scalar's docs have no search of their own.
    await page.send("Input.insertText", text="Cursor")
    await page.until("document.querySelector('[data-cy=doc-explorer-option]')")
    for kind in ("keyDown", "keyUp"):
        await page.send("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13)
    await page.until(f"!{SEARCHES}")
    await _press_ctrl_k(page)
    await page.until(SEARCHES)
    assert page.complaints == []


async def test_a_phone_shows_all_of_it_in_its_width(browser: str, served_demo: ServedDemo) -> None:
    async with blank_page(browser) as page:
        await _dress(page, 390)
        await page.open(f"{served_demo.url}/graphql#key={served_demo.public_key}")
        await page.until(f"{TABS}.length > 1")
        await page.until(FILLED_IN)
        await page.click(PLAY)
        await page.until(f"{RESPONSE}.getValue().includes('availability')")
        parts = (PLAY, "#key", "#show", "#standing", ".graphiql-query-editor", ".result-window", ".graphiql-sidebar")
        for selector in parts:
            box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
            left, right, width, height = await page.evaluate(f"(b => [b.left, b.right, b.width, b.height])({box})")
            assert (left >= 0, right <= 390, width > 20, height > 10) == (True,) * 4, selector
        for selector in (".graphiql-query-editor", ".result-window"):
            width = await page.evaluate(f"document.querySelector({json.dumps(selector)}).clientWidth")
            assert width > 300, selector
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.click("[aria-label='Show Documentation Explorer']")
        await page.until(f"{DOCS}?.getBoundingClientRect().width > 300")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.complaints == []


async def test_a_phone_shows_the_answer_once_it_was_asked_for(browser: str, served_demo: ServedDemo) -> None:
    top = "document.querySelector('.result-window').getBoundingClientRect().top"
    async with blank_page(browser) as page:
        await _dress(page, 390)
        await page.open(f"{served_demo.url}/graphql#key={served_demo.public_key}")
        await page.until(f"{TABS}.length > 1")
        await page.until(FILLED_IN)
        assert await page.evaluate("scrollY") == 0
        assert await page.evaluate(top) > 844 / 2
        await page.click(PLAY)
        await page.until(f"{RESPONSE}.getValue().includes('availability')")
        assert 0 <= await page.evaluate(top) < 844 / 2
        assert page.complaints == []


async def test_why_a_time_is_taken_stands_above_what_is_free(served_demo: ServedDemo, page: Page) -> None:
    await _enter(page, served_demo.staff_key, "Staff key")
    await _choose(page, "FirstBooking")
    await page.until(FILLED_IN)
    query, variables = await page.evaluate(f"[{QUERY}.getValue(), JSON.parse({VARIABLES}.getValue())]")
    while not (await _beside(page, served_demo.staff_key, query, variables))["createBooking"]["errors"]:
        pass
    await page.click(PLAY)
    await page.until(f"{RESPONSE}.getValue().includes('SLOT_TAKEN')")
    text = await page.evaluate(f"{RESPONSE}.getValue()")
    assert text.index('"errors"') < text.index('"alternatives"')


async def test_the_health_tab_shows_an_option_that_is_tied_to_google(served_demo: ServedDemo, page: Page) -> None:
    await _enter(page, served_demo.staff_key, "Staff key")
    await _choose(page, "SyncHealth")
    await page.until(FILLED_IN)
    await page.click(PLAY)
    await page.until(f"{RESPONSE}.getValue().includes('inbound')")
    option = json.loads(await page.evaluate(f"{RESPONSE}.getValue()"))["data"]["syncHealthChanges"]["option"]
    assert option["google"]["account"]["email"] == "ben@example.com"


async def test_the_demo_names_tabs_as_they_are_named(served_demo: ServedDemo, page: Page) -> None:
    tabs = set(await page.evaluate(f"{TABS}.map(tab => tab.textContent)"))
    named = set(re.findall(r'"(\w[\w ]+)"', served_demo.printed)) - {"A first booking"}
    assert named == {"FirstQuery", "FirstBooking", "FirstSubscription", "SyncHealth"} <= tabs
