"""What one address may use: its share of a public key, so many wrong keys, so many questions without any."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import websockets

from graph.limits import door
from graph.limits.door import SOCKETS_WITHOUT_KEY
from graph.limits.rate import Rate
from graph.server.live import open_streams
from tests.graph.limits.elsewhere import FROM, Elsewhere, ask, told
from tests.graph.limits.test_limits_of_keys import refused as refused_streams
from tests.graph.server.raw_http import line, status_in
from tests.graph.server.transport.test_strange_frames import UPGRADE, code_in
from tests.graph.server.transport.test_strange_frames import opened as open_socket
from tests.graph.socket_client import acknowledged, close_code, receive, silent, subscribing
from tests.live.events import streaming
from tests.operations import operations
from tests.served import Served, serving
from tests.stage import Stage

HERE, THERE = "192.0.2.1", "192.0.2.2"
NAMES = "{ viewer { role } }"
SCHEMA = "{ __schema { queryType { name } } }"
STREAM = "text/event-stream"


@pytest.fixture
async def narrow(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Served]:
    """A server of whose keys each has ten requests a minute and ten sockets, and an address a fifth of that."""
    limits: dict[str, Any] = {"key_requests": 10, "key_sockets": 10, "address_share": 0.2}
    async with serving(our_stage, sqlite_url, around=Elsewhere, **limits) as served:
        yield served


@pytest.fixture
async def wide(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Served]:
    """A server without limits on keys."""
    async with serving(our_stage, sqlite_url, around=Elsewhere, key_requests=0, key_sockets=0) as served:
        yield served


@asynccontextmanager
async def socket(
    served: Served, key: str, address: str, field: str = "Authorization", **headers: str
) -> AsyncIterator[websockets.ClientConnection]:
    """A socket from an address that has shown a key."""
    url, protocols = served.url.replace("http", "ws") + "/graphql", [websockets.Subprotocol("graphql-transport-ws")]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with websockets.connect(
        url, subprotocols=protocols, additional_headers={FROM: address, **named}
    ) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": {field: f"Bearer {key}"}}))
        yield connection


async def statuses(served: Served, key: str | None, times: int, **more: Any) -> Counter[int]:
    """With which statuses a request is answered that is sent again and again."""
    return Counter([(await ask(served, key, **more)).status_code for _ in range(times)])


@pytest.mark.parametrize("query", [NAMES, SCHEMA])
async def test_an_address_has_its_share_of_a_public_key_and_others_theirs(narrow: Served, query: str) -> None:
    public = narrow.keys["public"]
    assert await statuses(narrow, public, 6, query=query) == {200: 2, 429: 4}
    assert told(await ask(narrow, public, query)) <= 30
    assert await statuses(narrow, public, 2, query=query, address=THERE) == {200: 2}
    # Four more addresses have theirs, and then the key has none left.
    spread = [(await ask(narrow, public, query, address=f"198.51.100.{at}")).status_code for at in range(10)]
    assert spread == sorted(spread)
    assert Counter(spread) == {200: 6, 429: 4}


async def test_it_is_said_whether_the_key_or_the_address_has_asked_too_much(narrow: Served) -> None:
    public, said = narrow.keys["public"], []
    for address in (HERE, *(f"198.51.100.{at}" for at in range(4)), THERE):
        for _ in range(2):
            answer = await ask(narrow, public, address=address)
            assert (answer.status_code == 429) is (address == THERE)
        said.append((await ask(narrow, public, address=address)).json()["errors"][0]["message"])
    assert all(each.startswith("Too many requests with this key from this address. ") for each in said[:4])
    assert all(each.startswith("Too many requests with this key. ") for each in said[4:])


async def test_staff_are_counted_by_key_alone(narrow: Served) -> None:
    for role in ("staff", "admin"):
        assert await statuses(narrow, narrow.keys[role], 12) == {200: 10, 429: 2}


async def test_all_of_a_key_may_be_one_address_s(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, around=Elsewhere, key_requests=10, address_share=1) as served:
        assert await statuses(served, served.keys["public"], 12) == {200: 10, 429: 2}


async def test_of_a_key_without_limits_a_share_is_without_limits(wide: Served) -> None:
    assert await statuses(wide, wide.keys["public"], 50) == {200: 50}
    async with AsyncExitStack() as opened:
        for _ in range(20):
            await acknowledged(await opened.enter_async_context(socket(wide, wide.keys["public"], HERE)))


async def test_when_to_come_back_is_said_in_the_caller_s_language(narrow: Served) -> None:
    await statuses(narrow, narrow.keys["public"], 2)
    answer = await ask(narrow, narrow.keys["public"], accept_language="nb")
    told(answer)
    assert "For mange forespørsler" in answer.json()["errors"][0]["message"]


async def test_the_share_is_kept_on_sockets_and_streams_too(narrow: Served) -> None:
    public = narrow.keys["public"]
    async with socket(narrow, public, HERE) as first, socket(narrow, public, THERE) as other:
        for each in (first, other):
            await acknowledged(each)
        for number in range(4):
            await first.send(subscribing(str(number), NAMES))
        types = [(await receive(first))["type"] for _ in range(6)]
        assert Counter(types) == {"next": 2, "complete": 2, "error": 2}
        await other.send(subscribing("1", NAMES))
        assert (await receive(other))["type"] == "next"
    told(await ask(narrow, public, operations()["CalendarChanges"], accept=STREAM))


async def test_an_address_has_its_share_of_the_sockets_of_a_public_key(narrow: Served) -> None:
    public = narrow.keys["public"]
    async with AsyncExitStack() as opened:
        for address in (HERE, THERE):
            for _ in range(2):
                await acknowledged(await opened.enter_async_context(socket(narrow, public, address)))
            third = await opened.enter_async_context(socket(narrow, public, address, accept_language="nb"))
            await acknowledged(third)
            assert await close_code(third) == 4429
            assert third.protocol.close_rcvd is not None
            assert "Lukk en" in third.protocol.close_rcvd.reason
        # Staff may share an office.
        for _ in range(10):
            await acknowledged(await opened.enter_async_context(socket(narrow, narrow.keys["staff"], HERE)))
        assert await refused_streams(narrow) == ["RATE_LIMITED"]


async def test_a_stream_too_many_is_429_and_says_when_to_come_back(our_stage: Stage, sqlite_url: str) -> None:
    async with (
        serving(our_stage, sqlite_url, key_sockets=1) as served,
        streaming(served, "staff") as first,
        streaming(served, "staff") as second,
    ):
        assert (first.response.status_code, second.response.status_code) == (200, 429)
        (event, _) = await second.rest()
        extensions = event.data["errors"][0]["extensions"]
        assert event.codes == ["RATE_LIMITED"]
        assert int(second.response.headers["retry-after"]) >= extensions["retryAfterSeconds"] > 0


@pytest.fixture
async def strict(our_stage: Stage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """A server that lets an address show three wrong keys a minute, and ask three questions without any."""
    assert (door.WRONG_KEYS, door.WITHOUT_KEY) == (60, 120)
    monkeypatch.setattr(door, "WRONG_KEYS", 3)
    monkeypatch.setattr(door, "WITHOUT_KEY", 3)
    async with serving(our_stage, sqlite_url, around=Elsewhere) as served:
        yield served


async def test_wrong_keys_are_counted_by_address_over_every_transport(strict: Served) -> None:
    assert await statuses(strict, "nonsense", 6) == {401: 3, 429: 3}
    told(await ask(strict, "nonsense"))
    told(await ask(strict, "nonsense", SCHEMA))
    # Who shows none is counted by itself.
    assert (await ask(strict, None, SCHEMA)).status_code == 200
    told(await ask(strict, "nonsense", operations()["CalendarChanges"], accept=STREAM))
    async with socket(strict, "nonsense", HERE) as closed:
        assert await close_code(closed) == 4429
    # Nobody else pays for it: neither another address, nor who has a key.
    for _ in range(3):
        async with socket(strict, "nonsense", THERE) as closed:
            assert await close_code(closed) == 4403
    told(await ask(strict, "nonsense", address=THERE))
    for role in strict.keys:
        assert (await ask(strict, strict.keys[role], NAMES)).status_code == 200
        async with socket(strict, strict.keys[role], HERE) as let_in:
            await acknowledged(let_in)


@pytest.mark.parametrize("query", [SCHEMA, NAMES, "{", "{ __schema { nonsense } }"])
async def test_what_comes_without_a_key_is_counted_by_address(strict: Served, query: str) -> None:
    answered = [(await ask(strict, None, query)).status_code for _ in range(6)]
    assert [each == 429 for each in answered] == [False] * 3 + [True] * 3
    told(await ask(strict, None, query))
    assert (await ask(strict, None, query, address=THERE)).status_code == answered[0]
    assert (await ask(strict, strict.keys["public"], SCHEMA)).status_code == 200


@pytest.mark.parametrize("key", [None, "nonsense"])
async def test_without_a_valid_key_what_is_no_request_counts_too(strict: Served, key: str | None) -> None:
    headers = {FROM: "192.0.2.1", "Content-Type": "application/json"} | (
        {"Authorization": f"Bearer {key}"} if key else {}
    )
    sent: tuple[dict[str, Any], ...] = (
        {"method": "POST", "content": b"{"},
        {"method": "POST", "content": b"[]"},
        {"method": "GET", "params": {"query": SCHEMA, "variables": "{"}},
    )
    statuses = []
    for each in sent * 2:
        answer = await strict.http.request(url=f"{strict.url}/graphql", headers=headers, **each)
        statuses.append(answer.status_code)
    assert statuses == [400] * 3 + [429] * 3
    told(answer)


async def test_behind_a_proxy_that_is_not_trusted_nobody_is_counted(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, key_requests=10) as served:
        assert await statuses(served, served.keys["public"], 12, x_forwarded_for="203.0.113.7") == {200: 10, 429: 2}
        assert await statuses(served, "nonsense", 100, x_forwarded_for="203.0.113.7") == {401: 100}
        assert await statuses(served, served.keys["admin"], 1) == {200: 1}


async def test_without_forwarded_headers_the_address_at_the_other_end_is_counted(
    our_stage: Stage, sqlite_url: str
) -> None:
    async with serving(our_stage, sqlite_url, key_requests=10) as served:
        assert await statuses(served, served.keys["public"], 12) == {200: 2, 429: 10}


@pytest.mark.parametrize("field", ["authorization", "Authorization", "AUTHORIZATION", "aUTHORIZATION"])
async def test_a_key_is_shown_on_a_socket_under_a_name_in_any_case(studio: Served, field: str) -> None:
    async with socket(studio, studio.keys["staff"], HERE, field) as shown:
        await acknowledged(shown)


async def test_of_many_sockets_that_show_no_key_the_oldest_make_room(
    studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_streams, "MOST_WITHOUT_KEY", 3)
    async with AsyncExitStack() as opened, socket(studio, studio.keys["staff"], HERE) as shown:
        await acknowledged(shown)
        waiting = [await opened.enter_async_context(silent(studio)) for _ in range(5)]
        assert [await close_code(each) for each in waiting[:2]] == [4408, 4408]
        payload = {"Authorization": f"Bearer {studio.keys['staff']}"}
        await waiting[2].send(json.dumps({"type": "connection_init", "payload": payload}))
        await acknowledged(waiting[2])
        await shown.send('{"type": "ping"}')
        assert (await receive(shown))["type"] == "pong"


async def test_sockets_from_one_address_push_out_no_stranger_at_another(
    studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_streams, "MOST_WITHOUT_KEY", 3)
    async with AsyncExitStack() as opened:
        honest = await opened.enter_async_context(silent(studio))
        flood = [await opened.enter_async_context(line(studio.url, "127.0.0.2")) for _ in range(8)]
        for each in flood:
            await open_socket(each)
        for each in flood[:5]:
            # It is not waited for after the goodbye, though it does not answer that.
            assert code_in(await each.rest()) == 4408
        payload = {"Authorization": f"Bearer {studio.keys['staff']}"}
        await honest.send(json.dumps({"type": "connection_init", "payload": payload}))
        await acknowledged(honest)


async def test_sockets_that_show_no_key_are_counted_for_their_address(
    studio: Served, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rate, "_used", lambda self, user: self._spent.get(user, (0.0, 0.0))[0])
    monkeypatch.setattr(open_streams, "MOST_WITHOUT_KEY", 10)
    for _ in range(30):
        async with studio.socket(studio.keys["staff"]) as shown:
            await acknowledged(shown)
    for _ in range(SOCKETS_WITHOUT_KEY):
        async with line(studio.url) as stranger:
            await open_socket(stranger)
    async with line(studio.url) as stranger, line(studio.url, "127.0.0.2") as another:
        await stranger.send(UPGRADE + b"\r\n")
        answer = await stranger.rest()
        assert status_in(answer) == 429
        assert b"\r\nretry-after: 1\r\n" in answer.lower()
        await open_socket(another)
    assert caplog.text == ""
    assert capfd.readouterr().err == ""
