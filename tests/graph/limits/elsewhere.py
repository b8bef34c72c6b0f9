"""Clients at several addresses on one machine: a header of the tests' own says where a request is to come from."""

from typing import Any

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.served import Served

FROM = "from-address"


class Elsewhere:
    """Takes the address from the header, as a trusted proxy's would be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope.get("headers", ()):
            if name == FROM.encode():
                scope["client"] = (value.decode(), 0)
        await self._app(scope, receive, send)


async def ask(
    served: Served,
    key: str | None,
    query: str = "{ viewer { role } }",
    variables: Any = None,
    address: str = "192.0.2.1",
    **headers: str,
) -> httpx2.Response:
    """Sends a document from an address, with a key and further headers, as it is answered."""
    shown = {"Authorization": f"Bearer {key}"} if key else {}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"query": query, "variables": variables or {}}
    return await served.http.post(f"{served.url}/graphql", json=body, headers={**shown, FROM: address, **named})


def told(answer: httpx2.Response) -> float:
    """In how many seconds to come back, of an answer that says so in every way it should. Fails on any other."""
    assert answer.status_code == 429, answer.text
    (error,) = answer.json()["errors"]
    seconds = float(error["extensions"]["retryAfterSeconds"])
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert seconds > 0
    assert seconds <= int(answer.headers["retry-after"]) < seconds + 1
    assert answer.headers["retry-after"] in error["message"]
    return seconds
