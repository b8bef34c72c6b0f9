"""The composition root: the only place that wires settings, database, bell, Google, worker and routes together."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.documents.cache import Documents
from graph.limits.cost_budget import CostBudget
from graph.limits.door import RequestLimits
from graph.limits.seats import SubscriptionSeats
from graph.operation.executor import finish
from graph.request.context import AppState
from graph.schema import schema
from graph.server import explorer
from graph.server.http.body_limit import BodyLimit
from graph.server.http.endpoint import Endpoint
from graph.server.live.hold_expiry import lapse
from graph.server.live.hub import Hub
from graph.server.live.open_streams import OpenStreams
from graph.server.routes import plain_routes
from graph.server.websocket.endpoint import SocketEndpoint
from models.log import notifier
from models.settings import Settings
from models.storage import db
from models.storage.secrets import Secrets
from sync.service import Google

_CORS: dict[str, Any] = {
    "allow_origins": ["*"],
    "allow_methods": ["GET", "POST"],
    "allow_headers": ["*"],
    "expose_headers": ["Retry-After"],
}


def build(settings: Settings, *, sync: bool = True) -> Starlette:
    """The web application; with `sync` a worker runs beside it. The database must be up to date."""
    sockets = OpenStreams(settings.key_sockets, settings.address_share)
    seats = SubscriptionSeats(settings.key_subscriptions, settings.address_share)
    live, state = Hub(schema.core, seats, sockets.look_soon), _shared(settings)
    door = RequestLimits(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as open_things:
            await open_things.enter_async_context(db.opened(settings.database_url))
            await open_things.enter_async_context(notifier.open_notifier(settings.bell_url))
            await open_things.enter_async_context(state.google)
            open_things.push_async_callback(finish, state.under_way)
            open_things.push_async_callback(live.stopped)
            await open_things.enter_async_context(background(sockets.close_revoked()))
            await open_things.enter_async_context(background(lapse()))
            if sync:
                await open_things.enter_async_context(_working(state.google))
            yield

    app = Starlette(
        routes=[
            WebSocketRoute("/graphql", SocketEndpoint(schema, state, door, sockets, live)),
            *(explorer.routes() if settings.explorer else ()),
            *plain_routes(state),
        ],
        middleware=[
            # Keys are shown by the page itself, never by the browser on its own: any origin may ask.
            Middleware(CORSMiddleware, **_CORS),
            Middleware(BodyLimit),
            Middleware(_AtOnce, path="/graphql", endpoint=Endpoint(schema.core, state, door, sockets, live)),
        ],
        lifespan=lifespan,
    )
    # An address with a slash too many is none: it would be mended towards whatever host the client names.
    app.router.redirect_slashes = False
    app.state.stopping = live.stop
    return app


class _AtOnce:
    """Hands one path to its endpoint, past the router, which would take a tenth as long as a cheap answer does."""

    def __init__(self, app: ASGIApp, path: str, endpoint: ASGIApp) -> None:
        self._app = app
        self._path = path
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_here = scope["type"] == "http" and scope["path"] == self._path
        await (self._endpoint if is_here else self._app)(scope, receive, send)


def _shared(settings: Settings) -> AppState:
    """What the whole process shares."""
    secrets, documents = Secrets(settings.secret_keys), Documents(introspection=settings.introspection)
    return AppState(settings, secrets, Google(settings, secrets), CostBudget(settings), documents)


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs something for as long as the block lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _working(google: Google) -> AsyncIterator[None]:
    """A sync worker for as long as the block lasts; work in hand is finished, or left for the next."""
    stop = asyncio.Event()
    task = asyncio.create_task(google.work(stop))
    try:
        yield
    finally:
        stop.set()
        await task
