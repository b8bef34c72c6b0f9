"""The composition root: the only place that wires settings, database, bell, Google, worker and routes together."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute

from graph.documents.cache import Documents
from graph.feeds.change_feed import ChangeFeeds
from graph.limits.cost_budget import CostBudget
from graph.limits.seats import SubscriptionSeats
from graph.operation.executor import finish
from graph.request.context import AppState
from graph.schema import schema
from graph.server import explorer
from graph.server.http.body_limit import BodyLimit
from graph.server.http.endpoint import Endpoint
from graph.server.http.fast_path import ShortWay
from graph.server.live.hold_expiry import lapse
from graph.server.live.hub import Hub
from graph.server.live.open_streams import OpenStreams
from graph.server.routes import plain_routes
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
    live = Hub(schema, schema.core, SubscriptionSeats(settings.key_subscriptions, settings.address_share))
    sockets = OpenStreams(settings.key_sockets, settings.address_share)

    async def keys_changed(business_id: UUID) -> None:
        sockets.look_soon()
        await live.check_keys(business_id)

    state = _shared(settings, ChangeFeeds(keys_changed))
    endpoint = Endpoint(schema, schema.core, state, sockets, live)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as open_things:
            await open_things.enter_async_context(db.opened(settings.database_url))
            await open_things.enter_async_context(notifier.opened(settings.bell_url))
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
            *(explorer.routes() if settings.explorer else ()),
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            *plain_routes(state),
        ],
        middleware=[
            # Keys are shown by the page itself, never by the browser on its own: any origin may ask.
            Middleware(CORSMiddleware, **_CORS),
            Middleware(BodyLimit),
            Middleware(ShortWay, endpoint=endpoint, state=state, schema=schema.core),
        ],
        lifespan=lifespan,
    )
    # An address with a slash too many is none: it would be mended towards whatever host the client names.
    app.router.redirect_slashes = False
    app.state.stopping = live.stop
    return app


def _shared(settings: Settings, readers: ChangeFeeds) -> AppState:
    """What the whole process shares."""
    secrets, documents = Secrets(settings.secret_keys), Documents(introspection=settings.introspection)
    return AppState(settings, secrets, Google(settings, secrets), readers, CostBudget(settings), documents)


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
