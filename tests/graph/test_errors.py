"""Bad input is answered: an error that says so, nothing written, and never a fault of the house."""

import json
from typing import Any

from tests.graph.shop import KARI, Shop, at, graphql_codes
from tests.operations import operations
from tests.served import Served

NO_INSTANTS: tuple[Any, ...] = (
    "2100-01-04T09:00:00",
    "2100-01-04",
    "09:00",
    "yesterday",
    "",
    "2100-02-30T09:00:00Z",
    "2100-01-04T25:00:00Z",
    "2100-01-04T09:00:00+25:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z",
    4102477200,
    41024772.5,
    True,
    ["2100-01-04T09:00:00Z"],
    {},
)


async def test_an_instant_needs_a_date_a_time_and_an_offset(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    stands = await shop.calendar()
    document = 'query($from: DateTime!) { calendar(from: $from, to: "2100-02-01T00:00:00Z") { cursor } }'
    for value in NO_INSTANTS:
        answer = (await shop.served.send(document, shop.served.keys["staff"], {"from": value})).json()
        assert (graphql_codes(answer), answer.get("data")) == (["BAD_USER_INPUT"], None), value

    value = NO_INSTANTS[0]
    wanted = {"serviceId": shop.haircut, "start": value, "customer": KARI}
    asked = (
        await shop.served.ask("Availability", "public", serviceId=shop.haircut, **{"from": value, "to": at("00:00")}),
        await shop.served.ask("Book", "public", input=wanted),
        await shop.served.ask("RescheduleBooking", "staff", input={"bookingId": booking, "start": value}),
        (await shop.served.send(document.replace("Z", ""), shop.served.keys["staff"], {"from": at("00:00")})).json(),
    )
    assert [graphql_codes(answer) for answer in asked] == [["BAD_USER_INPUT"]] * 4
    assert await shop.calendar() == stands


async def test_an_instant_may_be_written_with_a_fraction_and_any_offset(shop: Shop) -> None:
    start = at("10:00")
    for written in (start, start.replace("Z", ".000000Z"), start.replace("Z", "-00:00"), start.replace("Z", "+00:00")):
        window = {"from": written, "to": at("11:00")}
        answer = await shop.served.do("Availability", "public", serviceId=shop.haircut, **window)
        assert [slot["start"] for day in answer["days"] for slot in day["slots"]] == [start], written


async def test_variables_of_the_wrong_shape_are_bad_input_on_every_operation(shop: Shop) -> None:
    before = await shop.calendar()
    taking_input = [name for name, document in operations().items() if "$input:" in document]
    assert len(taking_input) > 20
    for name in taking_input:
        for wrong in (None, {"nonsense": 1}):
            answer = await shop.served.ask(name, "admin", input=wrong)
            assert set(graphql_codes(answer)) == {"BAD_USER_INPUT"}, (name, wrong)
    for number in ("60", 1.5, 2**31, -(2**31) - 1, None, [60, 60], True):
        wanted = {"name": "Massage", "durationMinutes": number}
        assert graphql_codes(await shop.served.ask("CreateService", "staff", input=wanted)) == ["BAD_USER_INPUT"], (
            number
        )
    assert await shop.calendar() == before


async def test_a_document_that_is_no_query_of_this_schema_is_bad_input(studio: Served) -> None:
    answered = {}
    documents = (
        "{",
        "nonsense",
        "{ nonsense }",
        "{ viewer }",
        "{ viewer { role(x: 1) } }",
        "query($x: Nonsense) { __typename }",
        "{ options(first: true) { totalCount } }",
        "{ ...F }",
        "query A { __typename } query A { __typename }",
        "query A { __typename } query B { __typename }",
        "subscription { calendarChanges { cursor } }",
    )
    for document in documents:
        answer = (await studio.send(document, studio.keys["staff"])).json()
        errors = answer.get("errors", [])
        answered[document] = {error.get("extensions", {}).get("code") for error in errors}
    assert answered == {document: {"BAD_USER_INPUT"} for document in documents}


async def test_a_body_that_is_no_request_is_refused_with_400(studio: Served) -> None:
    headers = {"Authorization": f"Bearer {studio.keys['staff']}", "Content-Type": "application/json"}
    bodies = (
        b"",
        b"{",
        b"null",
        b"5",
        b'"{ __typename }"',
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"query": 5}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "operationName": "Missing"}',
    )
    answered = {}
    for body in bodies:
        response = await studio.http.post(f"{studio.url}/graphql", content=body, headers=headers)
        answered[body[:80]] = response.status_code
    assert answered == {body[:80]: 400 for body in bodies}


async def test_text_that_no_database_takes_is_refused_or_kept_never_a_fault(each_shop: Shop) -> None:
    shop = each_shop
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    book: dict[str, Any] = {"serviceId": shop.haircut, "start": at("12:00"), "customer": KARI}
    faults = []
    for text in ("a\0b", "\ud800", "x" * 100_000):
        inputs: tuple[tuple[str, dict[str, Any]], ...] = (
            ("CreateOption", {"kind": "ROOM", "name": text}),
            ("UpdateOption", {"optionId": shop.ben, "description": text}),
            ("CreateService", {"durationMinutes": 60, "name": text}),
            ("UpdateService", {"serviceId": shop.haircut, "description": text}),
            ("UpdateService", {"serviceId": text, "name": "Haircut"}),
            ("Book", {**book, "customer": {"name": text}}),
            ("Book", {**book, "customer": {**KARI, "email": f"{text}@example.no"}}),
            ("Book", {**book, "customer": {**KARI, "phone": text}}),
            ("Book", {**book, "note": text}),
            ("Book", {**book, "idempotencyKey": text}),
            ("Move", {"bookingId": booking, "start": at("14:00"), "manageToken": text}),
            ("Cancel", {"bookingId": booking, "manageToken": text}),
            ("CompleteGoogleSignIn", {"ticket": text}),
            ("StartGoogleSignIn", {"optionId": shop.anna, "returnTo": text}),
            ("CancelBooking", {"bookingId": booking, "reason": text, "expectedVersion": 1}),
        )
        for operation, wanted in inputs:
            answer = await as_ascii(shop, operation, wanted)
            if set(graphql_codes(answer)) - {"BAD_USER_INPUT"}:
                (field,) = wanted.keys() & {key for key, value in wanted.items() if text in str(value)} or {"customer"}
                faults.append((operation, field, text[:6]))
    assert not faults, faults


async def as_ascii(shop: Shop, operation: str, wanted: dict[str, Any]) -> Any:
    """Sends with everything escaped, since JSON can say what is no Unicode text."""
    body = json.dumps({"query": operations()[operation], "variables": {"input": wanted}})
    headers = {"Authorization": f"Bearer {shop.served.keys['admin']}", "Content-Type": "application/json"}
    return (await shop.served.http.post(f"{shop.served.url}/graphql", content=body, headers=headers)).json()


async def test_an_error_tells_nothing_of_the_house(shop: Shop) -> None:
    answers = [
        await shop.served.ask(
            "Availability", "public", serviceId="nonsense", **{"from": at("00:00"), "to": at("12:00")}
        ),
        await shop.served.ask("Calendar", "staff", **{"from": "nonsense", "to": at("12:00")}),
        await shop.book(at("10:00"), serviceId="' OR 1=1 --"),
        (await shop.served.send("{ options(first: 101) { totalCount } }", shop.served.keys["staff"])).json(),
    ]
    told = json.dumps(answers)
    assert "BAD_USER_INPUT" in told
    assert not any(word in told for word in ("Traceback", "File ", ".py", "SELECT", "sqlite", "Error(", "tortoise"))
