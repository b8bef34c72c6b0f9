"""The product on a real server for a test: a business with one key of each role, and clients for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import websockets
from starlette.types import ASGIApp

from graph.server.app import build
from models import api_key as key
from models import business
from models.enums import Role
from models.settings import read
from models.storage.secrets import new_secret_key
from sync.sandbox.app import sandbox_app
from sync.sandbox.state import SandboxGoogle
from tests.operations import operations
from tests.stage import PATIENCE, Stage, browser


@dataclass
class Stream:
    """One subscription on a socket of its own: what it was sent, in order."""

    socket: websockets.ClientConnection

    async def next(self) -> dict[str, Any]:
        """The data of the next message. Fails on an error and on the stream's end."""
        message = await self.message()
        assert message["type"] == "next", message
        payload: dict[str, Any] = message["payload"]
        assert "errors" not in payload, payload
        data: dict[str, Any] = payload["data"]
        return data

    async def message(self) -> dict[str, Any]:
        """The next message as it is."""
        async with asyncio.timeout(PATIENCE):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        return message


def answered(response: httpx2.Response) -> dict[str, Any]:
    """An answer, but for what it cost."""
    answer: dict[str, Any] = response.json()
    answer.pop("extensions", None)
    return answer


@dataclass
class Served:
    """One business on a running server. `keys` by role: admin, staff, public."""

    url: str
    business_id: UUID
    keys: dict[str, str]
    http: httpx2.AsyncClient = field(repr=False)

    async def send(self, document: str, key: str | None, variables: dict[str, Any] | None = None) -> httpx2.Response:
        """Any document over HTTP, as it is answered."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        body = {"query": document, "variables": variables or {}}
        return await self.http.post(f"{self.url}/graphql", json=body, headers=headers)

    async def ask(self, name: str, role: str, **variables: Any) -> dict[str, Any]:
        """One of the clients' operations: the whole answer, but for what it cost."""
        return answered(await self.send(operations()[name], self.keys[role], variables))

    async def do(self, name: str, role: str, **variables: Any) -> Any:
        """One of the clients' operations that has one root field: what that field answers. Fails on GraphQL errors."""
        answer = await self.ask(name, role, **variables)
        assert "errors" not in answer, answer["errors"]
        (field_answer,) = answer["data"].values()
        return field_answer

    @asynccontextmanager
    async def socket(self, key: str | None) -> AsyncIterator[websockets.ClientConnection]:
        """A graphql-transport-ws socket that has sent `connection_init`; the answer to that is still to be read."""
        address = self.url.replace("http", "ws") + "/graphql"
        protocol = websockets.Subprotocol("graphql-transport-ws")
        async with websockets.connect(address, subprotocols=[protocol]) as connection:
            payload = {"Authorization": f"Bearer {key}"} if key else {}
            await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
            yield connection

    @asynccontextmanager
    async def following(self, name: str, role: str, **variables: Any) -> AsyncIterator[Stream]:
        """One of the clients' subscriptions, begun."""
        async with self.socket(self.keys[role]) as connection:
            acknowledged = json.loads(await connection.recv())
            assert acknowledged["type"] == "connection_ack", acknowledged
            payload = {"query": operations()[name], "variables": variables}
            await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            yield Stream(connection)

    async def another(self, slug: str) -> Self:
        """Another business on the same server."""
        business_id, keys = await new_business(slug)
        return type(self)(self.url, business_id, keys, self.http)


async def consent(http: httpx2.AsyncClient, address: str, **clicks: str) -> str:
    """A person opens Google's consent page, ticks every box and clicks: where that leads them."""
    scopes = parse_qs(urlsplit(address).query)["scope"][0].split()
    answered = await http.post(address, data={**clicks, "scope": scopes})
    return str((await http.get(answered.headers["location"])).headers["location"])


def ticket_in(address: str) -> str:
    """The ticket with which a person is sent back."""
    return parse_qs(urlsplit(address).query)["google_ticket"][0]


async def new_business(slug: str, origins: tuple[str, ...] = ()) -> tuple[UUID, dict[str, str]]:
    """A business in Oslo with one key of each role."""
    business_id = await business.create(slug, slug.capitalize(), "Europe/Oslo", origins=list(origins))
    keys = {role.lower(): (await key.create(business_id, role, f"the {role.lower()} key"))[1] for role in Role}
    return business_id, keys


@asynccontextmanager
async def serving(
    stage: Stage,
    database_url: str,
    *,
    sync: bool = False,
    around: Callable[[ASGIApp], ASGIApp] | None = None,
    **settings: Any,
) -> AsyncIterator[Served]:
    """The product on this stage and database, with one business `studio`; `around` it, if given, a middleware."""
    chosen = {"database_url": database_url, "public_url": stage.origin, "secret_keys": (new_secret_key(),), **settings}
    app = build(read(_env_file=None, **chosen), sync=sync)
    if around is not None:
        app.add_middleware(around)
    async with stage.playing(app) as url, browser() as http:
        business_id, keys = await new_business("studio", (url,))
        yield Served(url, business_id, keys, http)


@asynccontextmanager
async def serving_beside_google(
    stage: Stage, google_stage: Stage, database_url: str
) -> AsyncIterator[tuple[Served, SandboxGoogle]]:
    """The product with sync, and the Google it talks to, where the demo's people have calendars."""
    google = SandboxGoogle()
    google.seed_demo()
    client: dict[str, Any] = {"google_client_id": "timebok-demo", "google_client_secret": "timebok-demo-secret"}
    async with (
        google_stage.playing(sandbox_app(google)) as origin,
        serving(stage, database_url, sync=True, google_origin=origin, **client) as served,
    ):
        try:
            yield served, google
        finally:
            await google.close()
