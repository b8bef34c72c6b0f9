"""GraphQL over HTTP, as its specification says: what may be sent, what is answered, and with which status.

What the public `graphql-http` audit looks at, under the numbers it gives to its findings.
"""

import json
from functools import partial
from typing import Any

import httpx2
import pytest

from graph.server.http.body_limit import LONGEST_QUERY_STRING, MOST_PARAMETERS
from tests.served import Served, answered

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
TYPENAME = {"query": "{ __typename }"}
UNPARSABLE = {"query": "{"}
INVALID = {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"}
UNKNOWN_FIELD = {"query": "{ nonsense }"}
WRONG_VARIABLE = {"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": [1, {}]}}
MISSING_VARIABLE = {"query": "query($id: ID!) { node(id: $id) { id } }"}
NO_REQUESTS: tuple[Any, ...] = (
    b"",
    {},
    {"notquery": "{ __typename }"},
    *({"query": wrong} for wrong in (None, {"obj": "ect"}, 0, False, ["array"])),
)
QUERY = "query Some($first: Int! = 2) { options(first: $first) { totalCount } }"
REFUSED = (UNPARSABLE, INVALID, UNKNOWN_FIELD, WRONG_VARIABLE, MISSING_VARIABLE)


async def post(studio: Served, body: Any, accept: str | None = RESPONSE, content: str | None = JSON) -> httpx2.Response:
    """Posts a body, given as bytes or as what is to be written as JSON."""
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {studio.keys['staff']}"}
    request = studio.http.build_request("POST", f"{studio.url}/graphql", content=written, headers=headers)
    for name, value in (("accept", accept), ("content-type", content)):
        request.headers.pop(name, None)
        if value is not None:
            request.headers[name] = value
    return await studio.http.send(request)


def media(response: httpx2.Response) -> str:
    """The media type of a response, without its parameters."""
    return str(response.headers["content-type"]).split(";")[0].strip()


async def test_22eb_4655_47de_80d8_the_answer_has_the_type_that_was_asked_for(studio: Served) -> None:
    for accept, expected in (
        (RESPONSE, RESPONSE),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (None, JSON),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
        (f"text/html, {RESPONSE};q=0.5", RESPONSE),
        ("APPLICATION/JSON", JSON),
        ("text/html, */*;q=0.1", JSON),
    ):
        response = await post(studio, TYPENAME, accept)
        assert (response.status_code, media(response)) == (200, expected), accept
        assert answered(response) == {"data": {"__typename": "Query"}}


async def test_who_takes_json_as_well_as_a_stream_gets_a_stream_for_a_subscription_only(studio: Served) -> None:
    """urql says that it takes everything, whatever it asks for."""
    taken = f"{RESPONSE}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed"
    for accept, expected in ((taken, RESPONSE), (f"text/event-stream, {JSON};q=0.1", JSON)):
        response = await post(studio, TYPENAME, accept)
        assert (media(response), answered(response)) == (expected, {"data": {"__typename": "Query"}})
        assert media(await post(studio, {"query": "{"}, accept)) == expected
    streamed = await post(studio, {"query": 'subscription { bookingChanges(manageToken: "x") { id } }'}, taken)
    assert media(streamed) == "text/event-stream"
    assert media(await post(studio, TYPENAME, "text/event-stream")) == "text/event-stream"


async def test_of_the_types_that_are_accepted_the_one_preferred_is_answered(studio: Served) -> None:
    for accept, expected in (
        (f"{JSON}, {RESPONSE};q=0.9", JSON),
        (f"{RESPONSE};q=0.1, {JSON};q=0.2", JSON),
        (f"{RESPONSE};q=0, {JSON}", JSON),
        (f"{JSON};q=0.1, {RESPONSE};q=0.2", RESPONSE),
    ):
        assert media(await post(studio, TYPENAME, accept)) == expected, accept


async def test_what_cannot_be_accepted_is_406_or_answered_all_the_same(studio: Served) -> None:
    for accept in ("text/html", "image/png", f"{JSON};q=0", "nonsense"):
        response = await post(studio, TYPENAME, accept)
        assert response.status_code in (200, 406), accept
        if response.status_code == 200:
            assert media(response) in (JSON, RESPONSE), accept


async def test_82a3_bf61_78d5_text_is_utf_8_in_and_out(studio: Served) -> None:
    for content in (JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=UTF-8", f'{JSON}; charset="utf-8"'):
        body = '{"query": "{ __type(name: \\"Ærø 👩🏽‍⚕️\\") { name } }"}'.encode()
        response = await post(studio, body, content=content)
        assert (response.status_code, answered(response)) == (200, {"data": {"__type": None}}), content
    for accept in (JSON, RESPONSE):
        create = 'mutation { createOption(input: {name: "Ærø 👩🏽‍⚕️", kind: ROOM}) { option { name } } }'
        response = await post(studio, {"query": create}, accept)
        assert json.loads(response.content.decode("utf-8"))["data"]["createOption"]["option"]["name"] == "Ærø 👩🏽‍⚕️"


async def test_the_answer_says_how_it_is_encoded(studio: Served) -> None:
    for accept in (JSON, RESPONSE, "*/*"):
        for body in (TYPENAME, INVALID):
            response = await post(studio, body, accept)
            assert "charset=utf-8" in response.headers["content-type"].lower(), accept


async def test_9abe_a_post_without_or_with_another_content_type_is_refused(studio: Served) -> None:
    for content in (None, "", "text/plain", "application/x-www-form-urlencoded", "application/graphql", "nonsense"):
        response = await post(studio, TYPENAME, content=content)
        assert 400 <= response.status_code < 500, content
        assert "data" not in response.text
    response = await post(studio, TYPENAME, content=f"{JSON}; charset=latin-1")
    assert response.status_code in (200, 400, 415)


async def test_5a70_9c48_a_get_runs_queries_and_nothing_else(studio: Served) -> None:
    headers = {"Authorization": f"Bearer {studio.keys['staff']}"}
    create = 'mutation { createOption(input: {name: "By GET", kind: ROOM}) { option { id } errors { code } } }'
    for accept, expected in ((RESPONSE, RESPONSE), (JSON, JSON), ("*/*", JSON)):
        by_get = partial(studio.http.get, f"{studio.url}/graphql", headers={**headers, "Accept": accept})
        found = await by_get(params={"query": QUERY, "variables": '{"first": 1}', "operationName": "Some"})
        assert (found.status_code, media(found), found.headers["cache-control"]) == (200, expected, "no-store")
        assert answered(found) == {"data": {"options": {"totalCount": 0}}}
        for query in ("mutation { __typename }", create, 'subscription { bookingChanges(manageToken: "x") { id } }'):
            refused = await by_get(params={"query": query})
            assert (refused.status_code, refused.headers.get("allow"), "data" in refused.text) == (405, "POST", False)
        none = await by_get(params={"query": QUERY, "variables": "null", "extensions": ""})
        assert answered(none) == {"data": {"options": {"totalCount": 0}}}
        for params in ({}, {"query": ""}, {"query": "{"}, {"query": QUERY, "variables": "{"}, {"variables": "[]"}):
            wrong = await by_get(params=params)
            assert wrong.status_code == 400 or (expected, wrong.status_code) == (JSON, 200), (params, wrong.text)
            assert wrong.json()["errors"][0]["message"]
            assert wrong.json().get("data") is None
    assert (await studio.http.get(f"{studio.url}/graphql", params={"query": QUERY})).status_code == 401
    assert (await studio.ask("Home", "staff"))["data"]["options"]["totalCount"] == 0


async def test_a_key_is_answered_and_a_browser_shown_the_explorer(studio: Served) -> None:
    address, accepting = f"{studio.url}/graphql", {"Accept": f"{JSON}, text/html;q=0.1"}
    keyed = {**accepting, "Authorization": f"Bearer {studio.keys['staff']}"}
    assert media(await studio.http.get(address, params={"query": QUERY}, headers=keyed)) == JSON
    assert media(await studio.http.get(address, headers=accepting)) == "text/html"
    streaming = {**keyed, "Accept": "text/event-stream"}
    for query, status in ((QUERY, 200), ('subscription { bookingChanges(manageToken: "x") { id } }', 405)):
        got = await studio.http.get(address, params={"query": query}, headers=streaming)
        assert (got.status_code, media(got), got.headers["cache-control"]) == (status, JSON, "no-store")


async def test_no_other_method_is_allowed_and_the_answer_says_which_is(studio: Served) -> None:
    headers = {"Authorization": f"Bearer {studio.keys['staff']}"}
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await studio.http.request(method, f"{studio.url}/graphql", json=TYPENAME, headers=headers)
        assert answer.status_code == 405, method
        assert "POST" in answer.headers["allow"]


async def test_a5bf_423l_8764_3e3a_a_request_without_a_proper_query_is_400(studio: Served) -> None:
    for accept in (JSON, RESPONSE):
        for body in NO_REQUESTS:
            response = await post(studio, body, accept)
            answer = response.json()
            assert (response.status_code, "data" in answer) == (400, False), body
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"], body


async def test_what_is_no_request_is_answered_in_the_type_that_was_asked_for_too(studio: Served) -> None:
    for accept in (JSON, RESPONSE):
        for body in (*NO_REQUESTS, b"{", [TYPENAME]):
            assert media(await post(studio, body, accept)) == accept, body


async def test_operation_name_and_variables_have_their_types_or_are_null(studio: Served) -> None:
    document = "query Query($name: String!) { __type(name: $name) { name } }"
    whole = {"query": document, "operationName": "Query", "variables": {"name": "Booking"}}
    fine: tuple[dict[str, Any], ...] = ({}, {"operationName": None}, {"extensions": {}}, {"extensions": {"a": [1]}})
    for accept in (JSON, RESPONSE):
        for more in (*fine, {"extensions": None}):
            response = await post(studio, {**whole, **more}, accept)
            answer = {"data": {"__type": {"name": "Booking"}}}
            assert (response.status_code, answered(response)) == (200, answer), more
        response = await post(studio, {**TYPENAME, "variables": None, "operationName": None}, accept)
        assert (response.status_code, answered(response)) == (200, {"data": {"__typename": "Query"}})
    for wrong in ({"obj": "ect"}, 0, False, ["array"]):
        for field in ("operationName", "variables", "extensions"):
            if field == "operationName" or not isinstance(wrong, dict):
                response = await post(studio, {**whole, field: wrong})
                assert (response.status_code, "data" in response.json()) == (400, False), (field, wrong)


@pytest.mark.parametrize("accept", [JSON, RESPONSE, "*/*", None])
async def test_bcf8_b7n8_what_is_no_json_is_400_whatever_is_accepted(studio: Served, accept: str | None) -> None:
    for body in (b'{ "not a JSON', b"{ __typename }", b"query={ __typename }", b"\xff\xfe", b"NaN"):
        response = await post(studio, body, accept)
        assert response.status_code == 400, body
        answer = response.json()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
        assert "data" not in answer


async def test_572b_fde2_7b9b_a_document_that_cannot_run_is_200_for_those_who_accept_json(studio: Served) -> None:
    for accept in (JSON, "*/*", None):
        for body in REFUSED:
            response = await post(studio, body, accept)
            assert (response.status_code, media(response)) == (200, JSON), body
            answer = response.json()
            assert answer["errors"], body
            assert answer.get("data") is None


async def test_865d_556a_d586_51fe_74ff_5e5b_86ee_and_400_without_data_for_the_newer_type(studio: Served) -> None:
    for accept in (RESPONSE, f"{RESPONSE}, {JSON};q=0.9"):
        for body in REFUSED:
            response = await post(studio, body, accept)
            assert (response.status_code, media(response)) == (400, RESPONSE), body
            answer = response.json()
            assert "data" not in answer, body
            assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
            assert all(error["message"] for error in answer["errors"])


async def test_what_ran_is_200_though_a_field_was_refused(studio: Served) -> None:
    window = 'from: "2100-01-04T00:00:00Z", to: "2100-01-05T00:00:00Z"'
    headers = {"Authorization": f"Bearer {studio.keys['public']}", "Accept": RESPONSE}
    body = {"query": f"{{ calendar({window}) {{ cursor }} }}"}
    response = await studio.http.post(f"{studio.url}/graphql", json=body, headers=headers)
    # It ran, so `data` is there: null, since the field may not be.
    assert (response.status_code, response.json()["data"]) == (200, None)
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_an_answer_without_a_key_has_the_type_that_was_asked_for_too(studio: Served) -> None:
    for accept in (JSON, RESPONSE):
        headers = {"Accept": accept, "Authorization": "Bearer nonsense"}
        response = await studio.http.post(
            f"{studio.url}/graphql", json={"query": "{ viewer { role } }"}, headers=headers
        )
        assert (response.status_code, media(response)) == (401, accept)
        answer = response.json()
        assert ("data" in answer, answer["errors"][0]["extensions"]["code"]) == (False, "UNAUTHENTICATED")


async def test_a_batch_of_requests_is_no_request(studio: Served) -> None:
    for accept in (JSON, RESPONSE):
        response = await post(studio, [TYPENAME, TYPENAME], accept)
        assert (response.status_code, "data" in response.text) == (400, False)


async def test_a_body_that_is_too_large_is_413_before_it_is_read(studio: Served) -> None:
    body = {"query": "{ __typename }", "variables": {"x": "x" * 20_000_000}}
    response = await post(studio, body)
    assert response.status_code == 413
    assert "data" not in response.text


async def test_an_address_that_asks_too_much_is_refused_before_it_is_read(studio: Served) -> None:
    head = {"Authorization": f"Bearer {studio.keys['staff']}"}
    long, many = "x=" + "y" * LONGEST_QUERY_STRING, "a=&" * (MOST_PARAMETERS * 100)
    for path in ("/graphql", "/google/callback", "/healthz"):
        for headers in (head, {}):
            for text, status in ((long, 414), (many, 400)):
                refused = await studio.http.get(f"{studio.url}{path}?{text}", headers=headers)
                assert (refused.status_code, len(refused.json()["errors"])) == (status, 1), path


async def test_an_address_may_have_a_document_and_some_parameters(studio: Served) -> None:
    head = {"Authorization": f"Bearer {studio.keys['staff']}"}
    asked = {"query": "{ __typename } #".ljust(LONGEST_QUERY_STRING - 200, "x")}
    asked |= {f"x{number}": "" for number in range(MOST_PARAMETERS - 1)}
    answer = await studio.http.get(f"{studio.url}/graphql", params=asked, headers=head)
    assert (answer.status_code, answer.json()["data"]) == (200, {"__typename": "Query"})


async def test_a_subscription_without_a_stream_is_refused(studio: Served) -> None:
    document = "subscription { calendarChanges { cursor } }"
    for accept in (RESPONSE, JSON):
        response = await post(studio, {"query": document}, accept)
        assert response.status_code in (200, 400, 405, 406), accept
        assert (accept, response.status_code) != (RESPONSE, 200)
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_other_origins_may_call_with_a_key_of_their_own(studio: Served) -> None:
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    preflight = await studio.http.request("OPTIONS", f"{studio.url}/graphql", headers=asked)
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] in ("*", "https://app.example")
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert "authorization" in allowed or allowed == "*"
    # Keys are shown by the page itself: there is nothing for a browser to send on its own.
    assert preflight.headers.get("access-control-allow-credentials") != "true"
