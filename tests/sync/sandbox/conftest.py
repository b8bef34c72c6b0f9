"""A sandbox Google for each test, with a clock of its own, reached by raw HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sync.sandbox.app import sandbox_app
from sync.sandbox.state import SandboxGoogle
from tests.stage import Stage
from tests.sync.sandbox.sandbox_client import ANNA, BEN, Clock, Hook, bearer


@pytest.fixture
def clock() -> Clock:
    """What the sandbox takes for the time: Sunday 22 November 2026, noon UTC, until a test turns it."""
    return Clock()


@pytest.fixture
def google(clock: Clock) -> SandboxGoogle:
    """A Google with the demo's people: Anna and Ben, and Anna's workshop calendar that both may write to."""
    google = SandboxGoogle(now=clock)
    google.seed_demo()
    return google


@pytest.fixture
async def web(google: SandboxGoogle) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser, or whoever has no token."""
    transport = httpx2.ASGITransport(app=sandbox_app(google))
    async with httpx2.AsyncClient(transport=transport, base_url="http://google.test") as client:
        yield client


@pytest.fixture
async def people(google: SandboxGoogle) -> AsyncIterator[dict[str, httpx2.AsyncClient]]:
    """An application in the name of each account, at the API's root."""
    transport = httpx2.ASGITransport(app=sandbox_app(google))
    async with AsyncExitStack() as stack:
        yield {
            email: await stack.enter_async_context(
                httpx2.AsyncClient(
                    transport=transport,
                    base_url="http://google.test/calendar/v3",
                    headers=bearer(google, email),
                )
            )
            for email in google.accounts
        }


@pytest.fixture
def anna(people: dict[str, httpx2.AsyncClient]) -> httpx2.AsyncClient:
    return people[ANNA]


@pytest.fixture
def ben(people: dict[str, httpx2.AsyncClient]) -> httpx2.AsyncClient:
    return people[BEN]


@pytest.fixture
async def origin(google: SandboxGoogle, google_stage: Stage) -> AsyncIterator[str]:
    """The origin of the same Google behind a real server."""
    async with google_stage.playing(sandbox_app(google)) as origin:
        yield origin


@pytest.fixture
async def hook(our_stage: Stage) -> AsyncIterator[Hook]:
    """An address that notes every notification it gets, behind a real server."""
    heard: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answers: list[int] = []

    async def receive(request: Request) -> Response:
        assert await request.body() == b""
        heard.put_nowait({name.lower(): value for name, value in request.headers.items()})
        return Response(status_code=answers.pop(0) if answers else 204)

    app = Starlette(routes=[Route("/google/notifications", receive, methods=["POST"])])
    async with our_stage.playing(app) as origin:
        yield Hook(f"{origin}/google/notifications", heard, answers)


@pytest.fixture(autouse=True)
async def _closed(google: SandboxGoogle) -> AsyncIterator[None]:
    """Nothing is under way when a test is over."""
    yield
    await google.close()
