"""The plain routes beside /graphql: Google's two ways back to us, and what operators watch."""

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from graph.limits.rate import Rate
from graph.request.context import AppState
from models.log import notifier
from models.storage import db

METRICS_PER_MINUTE = 60
"""So often the text of /metrics is made: anybody may ask for it, and it is work. In between the last one is sent."""


def plain_routes(state: AppState) -> list[BaseRoute]:
    """Everything but /graphql."""

    async def callback(request: Request) -> Response:
        """Google sends the person back from its consent page."""
        back = await state.google.callback(dict(request.query_params))
        if back is None:
            return PlainTextResponse("This sign-in is unknown, used or too old. Start again.", status_code=400)
        return RedirectResponse(back, status_code=303)

    async def notification(request: Request) -> Response:
        """Google says that a calendar changed. The answer never tells whether we believe it."""
        await state.google.notification(dict(request.headers))
        return Response(status_code=204)

    made, text = Rate(METRICS_PER_MINUTE), b""

    async def metrics(_: Request) -> Response:
        """What operators watch; under a flood of requests it is up to a second old."""
        nonlocal text
        if made.take("metrics") is None:
            text = generate_latest()
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/google/callback", callback, methods=["GET"]),
        Route("/google/notifications", notification, methods=["POST"]),
        Route("/healthz", _alive, methods=["GET"]),
        Route("/readyz", _Readiness().answer, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


class _Readiness:
    """Whether the process can serve. Anybody may ask: the database is asked once for all who ask meanwhile."""

    def __init__(self) -> None:
        self._asked: asyncio.Task[bool] | None = None

    async def answer(self, _: Request) -> Response:
        """503 only without the database: with a dead bell polling carries on, and a full disk can be read."""
        heard = "ok" if notifier.current().healthy else "degraded"
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(_is_reachable())
        if not await asyncio.shield(self._asked):
            return JSONResponse({"database": "unreachable", "bell": heard}, status_code=503)
        return JSONResponse({"database": "ok" if db.is_writable() else "read-only", "bell": heard})


async def _is_reachable() -> bool:
    """Whether the database answers."""
    try:
        await db.connection().execute_query("SELECT 1")
    except Exception:
        return False
    return True
