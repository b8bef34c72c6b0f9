"""The sandbox as an application: the routes, the errors, the faults around them. The only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from sync.sandbox.api import routes
from sync.sandbox.control import control
from sync.sandbox.control.trouble import Trouble
from sync.sandbox.errors import GoogleError, OAuthError, answer_google_error, answer_oauth_error, not_found
from sync.sandbox.oauth import endpoints
from sync.sandbox.page import page
from sync.sandbox.state import SandboxGoogle


def sandbox_app(google: SandboxGoogle | None = None) -> Starlette:
    """The app over this state; without one, over a new state with the demo's accounts and calendars.

    Runs on one event loop: whoever changes `google` in the same process does it on that loop.
    """
    if google is None:
        google = SandboxGoogle()
        google.seed_demo()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await google.close()

    app = Starlette(
        routes=[
            Mount("/calendar/v3", routes=routes.ROUTES),
            *endpoints.ROUTES,
            *control.ROUTES,
            *page.ROUTES,
        ],
        middleware=[Middleware(Trouble, faults=google.faults)],
        exception_handlers={
            GoogleError: answer_google_error,
            OAuthError: answer_oauth_error,
            404: _nowhere,
        },
        lifespan=lifespan,
    )
    app.state.google = google
    return app


async def _nowhere(request: Request, _error: Exception) -> Response:
    if request.url.path.startswith("/calendar/"):
        return await answer_google_error(request, not_found())
    return PlainTextResponse("Not Found", 404)
