"""Requests by HTTP, ordinary and odd, and what of an answer is the same every time."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.served import Served

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
STREAM = "text/event-stream"
HEADERS = ("allow", "content-type", "retry-after")
NAMES = "{ options(first: 10) { nodes { name kind } pageInfo { hasNextPage } totalCount } }"
TWO = "query A { viewer { role } } query B { options(first: 1) { nodes { name } } }"
FIRST = "query Some($first: Int!) { options(first: $first) { totalCount } }"
FOLLOW = 'subscription { bookingChanges(manageToken: "x") { id } }'
CREATE = 'mutation { updateOption(input: {optionId: "x", name: "y"}) { errors { code message path } } }'


@dataclass(frozen=True)
class Sent:
    """One request, but for its key and what it accepts: a body that is no bytes is written as JSON."""

    body: Any = b""
    method: str = "POST"
    params: dict[str, str] = field(default_factory=dict)
    content: str | None = JSON

    async def to(self, served: Served, key: str | None, accept: str | None, language: str) -> httpx2.Response:
        """Sends it, with no header but what is told here."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        request = served.http.build_request(self.method, f"{served.url}/graphql", params=self.params, content=body)
        given = {"authorization": key and f"Bearer {key}", "accept": accept, "content-type": self.content}
        for name, value in (*given.items(), ("accept-language", language)):
            request.headers.pop(name, None)
            if value is not None:
                request.headers[name] = value
        return await served.http.send(request)


def lasting(response: httpx2.Response) -> list[Any]:
    """Of a response what is the same another time: its status, its headers, and its body but for what it cost."""
    told = [value for name in HEADERS if (value := response.headers.get(name))]
    return [response.status_code, *told, re.sub(r'"cost":{[^}]*}', '"cost":{}', response.text)]


def _get(query: str, **more: str) -> Sent:
    return Sent(method="GET", params={"query": query, **more}, content=None)


ODD: dict[str, Sent] = {
    "a list": Sent({"query": NAMES}),
    "with a name": Sent({"query": TWO, "operationName": "B"}),
    "with what is ignored": Sent({"query": NAMES, "variables": None, "operationName": None, "extensions": {"x": 1}}),
    "with a variable": Sent({"query": FIRST, "variables": {"first": 2}}),
    "a value that cannot be": Sent({"query": FIRST, "variables": {"first": "many"}}),
    "a value that is missing": Sent({"query": FIRST}),
    "a text that no database takes": Sent({"query": FIRST, "variables": {"first": "a\0b"}}),
    "too many values": Sent({"query": FIRST, "variables": {"first": [1] * 6000}}),
    "a page that cannot be": Sent({"query": "{ options(first: 1000) { totalCount } }"}),
    "what only staff may": Sent({"query": "{ bookings(first: 1) { totalCount } }"}),
    "nothing there": Sent({"query": '{ node(id: "nonsense") { id } }'}),
    "some of it wrong": Sent({"query": "{ viewer { role } bookings(first: 1000) { totalCount } }"}),
    "too dear": Sent(
        {
            "query": "{ a: bookings(first: 100) { nodes { option { services { options { services { options { "
            "services { name } } } } } } } } }"
        }
    ),
    "a mutation": Sent({"query": CREATE}),
    "the schema": Sent({"query": "{ __schema { queryType { name } } }"}),
    "the schema with a variable": Sent(
        {"query": "query($n: String!) { __type(name: $n) { name kind } }", "variables": {"n": "Booking"}}
    ),
    "the schema with a wrong variable": Sent(
        {"query": "query($n: String!) { __type(name: $n) { name kind } }", "variables": {"n": [1]}}
    ),
    "its name": Sent({"query": "{ __typename }"}),
    "its name by mutation": Sent({"query": "mutation { __typename }"}),
    "an operation that is not there": Sent({"query": TWO, "operationName": "C"}),
    "no operation of several": Sent({"query": TWO}),
    "no operation of several, one a mutation": Sent({"query": "query A { __typename } mutation B { __typename }"}),
    "an operation without a name": Sent({"query": TWO, "operationName": ""}),
    "no name for one": Sent({"query": NAMES, "operationName": ""}),
    "wrong names": Sent({"query": NAMES, "operationName": 1}),
    "a list of names": Sent({"query": NAMES, "operationName": ["A"]}),
    "wrong variables": Sent({"query": NAMES, "variables": []}),
    "wrong extensions": Sent({"query": NAMES, "extensions": "x"}),
    "a wrong query": Sent({"query": {"a": 1}}),
    "no query": Sent({"variables": {}}),
    "an empty query": Sent({"query": ""}),
    "not valid": Sent({"query": "{ nonsense viewer { role(x: 1) } }"}),
    "not valid, and not there": Sent({"query": "query A { nonsense }", "operationName": "B"}),
    "a subscription that is not valid": Sent({"query": "subscription { nonsense }"}),
    "not to be read": Sent({"query": "{"}),
    "only a fragment": Sent({"query": "fragment F on Query { viewer { role } }"}),
    "too deep": Sent({"query": "{ a" + "{b" * 300 + "}" * 301}),
    "too many tokens": Sent({"query": "{" + " a" * 6000 + "}"}),
    "two of one name": Sent({"query": "query A { __typename } query A { __typename }"}),
    "a subscription": Sent({"query": FOLLOW}),
    "no JSON": Sent(b"{ __typename }"),
    "nothing": Sent(b""),
    "a half character": Sent(b'{"query": "{ __typename }", "variables": {"x": "\\ud800"}}'),
    "a number": Sent(5),
    "null": Sent(None),
    "a batch": Sent([{"query": NAMES}]),
    "an empty batch": Sent([]),
    "text": Sent({"query": NAMES}, content="text/plain"),
    "no type": Sent({"query": NAMES}, content=None),
    "a type with a charset": Sent({"query": NAMES}, content="application/json; charset=utf-8"),
    "a form": Sent(b"query=x", content="application/x-www-form-urlencoded"),
    "by PUT": Sent({"query": NAMES}, method="PUT"),
    "by DELETE": Sent({"query": NAMES}, method="DELETE"),
    "by HEAD": Sent(method="HEAD", content=None),
    "by OPTIONS": Sent(method="OPTIONS", content=None),
    "by GET": _get(NAMES),
    "by GET with variables": _get(FIRST, variables='{"first": 1}', operationName="Some", extensions=""),
    "by GET with no variables": _get(NAMES, variables="null"),
    "by GET with wrong variables": _get(FIRST, variables="{"),
    "by GET with a list of variables": _get(FIRST, variables="[1]"),
    "by GET with wrong extensions": _get(FIRST, extensions="{"),
    "by GET, nothing": Sent(method="GET", content=None),
    "by GET, an empty query": _get(""),
    "by GET, not to be read": _get("{"),
    "by GET, not valid": _get("{ nonsense }"),
    "by GET, not there": _get(TWO, operationName="C"),
    "by GET, a mutation": _get(CREATE),
    "by GET, a mutation that is not valid": _get("mutation { nonsense }"),
    "by GET, a subscription": _get(FOLLOW),
    "by GET, the schema": _get("{ __schema { queryType { name } } }"),
}
