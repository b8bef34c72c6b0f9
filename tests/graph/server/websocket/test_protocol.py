"""The socket's protocol, graphql-transport-ws: what each message does, and which close code answers which misuse."""

import asyncio
import gc
import json
import sys

import pytest
import websockets

from graph.server.http.body_limit import LARGEST_BODY
from graph.server.websocket import endpoint
from tests.graph.shop import Shop, at
from tests.graph.socket_client import acknowledged, close_code, first_answer, receive, silent, subscribing
from tests.operations import operations
from tests.served import Served, serving
from tests.stage import Stage

NO_MESSAGES: tuple[str | bytes, ...] = (
    "not json",
    "",
    "[]",
    "null",
    "5",
    '"ping"',
    "{}",
    '{"type": "nonsense"}',
    '{"type": null}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "id": "1"}',
    '{"type": "subscribe", "id": "1", "payload": []}',
    '{"type": "subscribe", "id": "1", "payload": null}',
    '{"type": "subscribe", "id": [], "payload": {"query": "{ __typename }"}}',
    '{"type": "complete", "id": []}',
    '{"type": "complete"}',
    '[{"type": "ping"}]',
    b"\x00\xff",
)


async def test_what_is_no_message_closes_the_socket_with_4400(studio: Served) -> None:
    answered: dict[str | bytes, int | None] = {}
    for text in NO_MESSAGES:
        async with studio.socket(studio.keys["staff"]) as socket:
            await acknowledged(socket)
            await socket.send(text)
            answered[text] = await close_code(socket)
    assert answered == dict.fromkeys(NO_MESSAGES, 4400)


async def test_what_is_no_message_closes_the_socket_before_the_handshake_too(studio: Served) -> None:
    texts = (
        "not json",
        "[]",
        "null",
        "{}",
        '{"type": "connection_init", "payload": []}',
        '{"type": "connection_init", "payload": null}',
    )
    answered = {}
    for text in texts:
        async with silent(studio) as socket:
            await socket.send(text)
            answered[text] = await close_code(socket)
    assert answered == dict.fromkeys(texts, 4400)


async def test_a_payload_that_is_no_request_is_refused_not_run_and_not_swallowed(studio: Served) -> None:
    payloads: tuple[dict[str, object], ...] = (
        {"query": 5},
        {"query": None},
        {"query": "{ __typename }", "variables": []},
        {"query": "{ __typename }", "variables": "none"},
    )
    for payload in payloads:
        async with studio.socket(studio.keys["staff"]) as socket:
            await acknowledged(socket)
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            answered = await first_answer(socket)
        assert answered in ("error", 4400), payload


async def test_subscribing_before_the_handshake_closes_the_socket_with_4401(studio: Served) -> None:
    async with silent(studio) as socket:
        await socket.send(subscribing("1", "{ __typename }"))
        assert await close_code(socket) == 4401


async def test_no_key_and_a_wrong_key_close_the_socket_with_4403(studio: Served) -> None:
    for key in (None, "", "nonsense", studio.keys["staff"][:-1], studio.keys["staff"] + "x", "ø"):
        async with studio.socket(key) as socket:
            assert await close_code(socket) == 4403, key
    for payload in ({"Authorization": studio.keys["staff"]}, {"Authorization": 5}, {"Authorization": None}, {}):
        async with silent(studio) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert await close_code(socket) == 4403, payload


async def test_a_socket_without_a_key_is_told_where_the_key_goes(studio: Served) -> None:
    """Many send it as a header, which a browser's socket cannot have."""
    for language, expected in (("en", "Send a valid key as payload"), ("nb", "Send en gyldig nøkkel som payload")):
        headers = {"Authorization": f"Bearer {studio.keys['staff']}", "Accept-Language": language}
        address, protocol = (
            studio.url.replace("http", "ws") + "/graphql",
            websockets.Subprotocol("graphql-transport-ws"),
        )
        async with websockets.connect(address, subprotocols=[protocol], additional_headers=headers) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert await close_code(socket) == 4403
            assert socket.close_reason
            assert socket.close_reason.startswith(expected)
            assert socket.close_reason.endswith('connection_init: {"Authorization": "Bearer <key>"}')


async def test_a_second_subscription_under_an_id_in_use_closes_the_socket_with_4409(shop: Shop) -> None:
    async with shop.served.following("CalendarChanges", "staff", after=await shop.cursor()) as stream:
        await stream.socket.send(subscribing("1", operations()["CalendarChanges"]))
        assert await close_code(stream.socket) == 4409


async def test_a_second_handshake_closes_the_socket_with_4429(studio: Served) -> None:
    async with studio.socket(studio.keys["staff"]) as socket:
        await acknowledged(socket)
        payload = {"Authorization": f"Bearer {studio.keys['staff']}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert await close_code(socket) == 4429


async def test_another_protocol_closes_the_socket_with_4406(studio: Served) -> None:
    address = studio.url.replace("http", "ws") + "/graphql"
    for protocols in (["graphql-ws"], ["nonsense"], None):
        wanted = [websockets.Subprotocol(each) for each in protocols] if protocols else None
        async with websockets.connect(address, subprotocols=wanted) as socket:
            assert await close_code(socket) == 4406


async def test_a_socket_that_says_nothing_is_closed_with_4408(
    our_stage: Stage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert endpoint.INIT_SECONDS == 5
    monkeypatch.setattr(endpoint, "INIT_SECONDS", 0.05)
    async with serving(our_stage, sqlite_url) as served, silent(served) as socket:
        assert await close_code(socket) == 4408


async def test_a_message_that_is_too_large_closes_the_socket_with_1009(studio: Served) -> None:
    async with studio.socket(studio.keys["staff"]) as socket:
        await acknowledged(socket)
        await socket.send(subscribing("1", "{ __typename }", filler="x" * (LARGEST_BODY - 1000)))
        assert (await receive(socket))["type"] == "next"
        assert (await receive(socket))["type"] == "complete"
        await socket.send(subscribing("2", "{ __typename }", filler="x" * LARGEST_BODY))
        assert await close_code(socket) == 1009


async def test_a_ping_is_answered_with_a_pong_and_a_pong_with_nothing(studio: Served) -> None:
    async with studio.socket(studio.keys["public"]) as socket:
        await acknowledged(socket)
        await socket.send('{"type": "pong"}')
        await socket.send('{"type": "ping"}')
        assert (await receive(socket))["type"] == "pong"
        await socket.send('{"type": "ping", "payload": {"sent": 1}}')
        assert (await receive(socket))["type"] == "pong"


async def test_queries_and_mutations_work_on_a_socket_too(shop: Shop) -> None:
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        await socket.send(subscribing("q", operations()["Home"]))
        answer = await receive(socket)
        assert (answer["type"], answer["id"]) == ("next", "q")
        assert answer["payload"]["data"]["viewer"]["role"] == "STAFF"
        assert "errors" not in answer["payload"]
        assert await receive(socket) == {"type": "complete", "id": "q"}

        wanted = {"serviceId": shop.haircut, "start": at("10:00"), "customer": {"name": "Kari"}}
        await socket.send(subscribing("m", operations()["Book"], input=wanted))
        answer = await receive(socket)
        assert answer["payload"]["data"]["createBooking"]["errors"] == []
        assert await receive(socket) == {"type": "complete", "id": "m"}

        # The socket lives on: what is read later is read anew.
        await socket.send(subscribing("q", operations()["ManagedBooking"], manageToken="nonsense"))
        assert (await receive(socket))["payload"]["data"] == {"managedBooking": None}


async def test_a_document_that_cannot_run_ends_its_subscription_and_not_the_socket(studio: Served) -> None:
    documents = ("{", "{ nonsense }", "subscription { nonsense }", "")
    refused = {}
    async with studio.socket(studio.keys["staff"]) as socket:
        await acknowledged(socket)
        for document in documents:
            await socket.send(subscribing(document, document))
            answer = await receive(socket)
            refused[answer["id"]] = answer["type"], str(answer.get("payload")).count("'BAD_USER_INPUT'")
        await socket.send(subscribing("last", "{ __typename }"))
        assert (await receive(socket))["payload"]["data"] == {"__typename": "Query"}
    assert refused == dict.fromkeys(documents, ("error", 1))


async def test_complete_stops_a_subscription_and_frees_its_id(shop: Shop) -> None:
    cursor = await shop.cursor()
    async with shop.served.following("CalendarChanges", "staff", after=cursor) as stream:
        first = (await shop.booked(at("10:00")))["booking"]["id"]
        assert (await stream.next())["calendarChanges"]["entryId"] == first
        await stream.socket.send('{"type": "complete", "id": "1"}')
        await stream.socket.send('{"type": "complete", "id": "never begun"}')
        await shop.booked(at("11:00"))

        after = await shop.cursor()
        await stream.socket.send(subscribing("1", operations()["CalendarChanges"], after=after))
        last = (await shop.booked(at("12:00")))["booking"]["id"]
        assert (await stream.next())["calendarChanges"]["entryId"] == last


async def test_several_subscriptions_share_a_socket(shop: Shop) -> None:
    cursor = await shop.cursor()
    document = operations()["CalendarChanges"]
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        await socket.send(subscribing("anna", document, after=cursor, optionIds=[shop.anna]))
        await socket.send(subscribing("ben", document, after=cursor, optionIds=[shop.ben]))
        made = {
            name: (await shop.booked(at("10:00"), optionId=option))["booking"]["id"]
            for name, option in (("anna", shop.anna), ("ben", shop.ben))
        }
        answers = [await receive(socket), await receive(socket)]
    assert {each["id"]: each["payload"]["data"]["calendarChanges"]["entryId"] for each in answers} == made


@pytest.mark.parametrize("operation", ["BookingChanges", "Home"])
async def test_completing_in_the_middle_of_an_answer_leaves_nothing_behind(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    left: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda about: left.append(str(about.exc_value)))
    token = (await shop.booked(at("10:00")))["manageToken"]
    variables = {"manageToken": token} if operation == "BookingChanges" else {}
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        for pause in range(200):
            await socket.send(subscribing(str(pause), operations()[operation], **variables))
            for _ in range(pause):
                await asyncio.sleep(0)
            await socket.send(json.dumps({"type": "complete", "id": str(pause)}))
        await socket.send(subscribing("last", "{ __typename }"))
        while (await receive(socket))["id"] != "last":
            pass
    gc.collect()
    assert left == []


async def test_variables_that_are_nested_too_deeply_end_their_operation_and_not_the_socket(shop: Shop) -> None:
    deep: list[object] = []
    for _ in range(300):
        deep = [deep]
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        await socket.send(subscribing("1", operations()["CalendarChanges"], nonsense=deep))
        answer = await receive(socket)
        assert [error["extensions"]["code"] for error in answer["payload"]["errors"]] == ["BAD_USER_INPUT"]
        assert (await receive(socket))["type"] == "complete"
        await socket.send(subscribing("2", "{ __typename }"))
        assert (await receive(socket))["type"] == "next"


async def test_an_id_in_use_is_refused_before_how_much_the_key_sends(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, key_requests=1) as served, served.socket(served.keys["staff"]) as socket:
        await acknowledged(socket)
        await socket.send(subscribing("1", operations()["CalendarChanges"]))
        await socket.send(subscribing("2", "{ __typename }"))
        assert (await receive(socket))["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await socket.send(subscribing("1", "{ __typename }"))
        assert await close_code(socket) == 4409


async def test_the_last_event_of_another_stream_is_nothing_to_a_socket(shop: Shop) -> None:
    old = await shop.cursor()
    await shop.booked(at("10:00"))
    new = await shop.cursor()
    address = shop.served.url.replace("http", "ws") + "/graphql"
    protocols, headers = [websockets.Subprotocol("graphql-transport-ws")], {"Last-Event-ID": old}
    async with websockets.connect(address, subprotocols=protocols, additional_headers=headers) as socket:
        key = {"Authorization": f"Bearer {shop.served.keys['staff']}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": key}))
        await acknowledged(socket)
        await socket.send(subscribing("1", operations()["CalendarChanges"], after=new))
        booked = (await shop.booked(at("11:00")))["booking"]["id"]
        assert (await receive(socket))["payload"]["data"]["calendarChanges"]["entryId"] == booked
