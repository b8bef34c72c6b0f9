"""How a town comes to be: a business and a Google of its own, on a clock that only the town moves."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models import clock
from sync import worker
from sync.sandbox.app import sandbox_app
from sync.service import Google, LinkChoices
from tests.models.rows import a_caller, a_service
from tests.sync import rows
from tests.sync.sandbox.sandbox_client import ANNA, BEN, WORKSHOP
from tests.sync.sync_stack import Stages, floor_on
from tests.world.dice import Dice
from tests.world.sync.faults import Gate, NetworkFaults
from tests.world.sync.google_edits import People
from tests.world.sync.links import sign_in_as, tie
from tests.world.sync.model import DAYS, Clock, SyncModel
from tests.world.sync.workers import Workers


@asynccontextmanager
async def a_town(stages: Stages, tally: Counter[str], dice: Dice) -> AsyncIterator[SyncModel]:
    """A town on the current, empty database: everybody signed in and tied to a calendar, everything in step."""
    time = Clock()
    async with AsyncExitStack() as open_things:
        patched = open_things.enter_context(pytest.MonkeyPatch.context())
        patched.setattr(clock, "now", time)
        patched.setattr(clock, "wait", time.wait)
        patched.setattr(worker, "SHUTDOWN_SECONDS", 0)
        floor = await open_things.enter_async_context(floor_on(stages, google_days=DAYS))
        weather = NetworkFaults(tally, floor.door.notification)
        google = floor.sandbox
        google.faults = google.channels.faults = weather.faults
        google.now = google.grants.now = google.channels.now = time
        google.page_cap = dice.choice([None, 2, 3])
        for calendar in google.calendars.values():
            calendar.bare_tombstones = dice.random() < 0.5
        open_to_all = sandbox_app(google)
        open_to_all.add_middleware(Gate, weather=weather)
        await open_things.enter_async_context(stages.google.playing(open_to_all))
        await open_things.enter_async_context(stages.ours.playing(_ear(weather)))
        colleague = await open_things.enter_async_context(Google(floor.settings, rows.SECRETS))
        options = {name: await rows.an_option(floor.business_id, name) for name in ("Anna", "Ben", "Carl")}
        town = SyncModel(
            floor,
            time,
            People(google, lambda: time.time),
            weather,
            Workers((floor.engine, colleague._engine), time.turn),
            await a_caller(floor.business_id),
            await a_service(floor.business_id, *options.values()),
            options,
        )
        open_things.enter_context(_listening(town.complaints))
        for name, email, google_id in (("Anna", ANNA, ANNA), ("Ben", BEN, WORKSHOP), ("Carl", ANNA, WORKSHOP)):
            assert await sign_in_as(town, name, email)
            assert await tie(town, name, google_id, LinkChoices())
        await town.change_templates(dice)
        await town.crew.settle(together=False)
        if dice.random() < 0.5:
            weather.delay_notifications()
        yield town
        await weather.clear()
        await town.crew.go_on()


@contextmanager
def _listening(complaints: list[str]) -> Iterator[None]:
    """Takes down every error that is logged: what the worker survives would not be seen otherwise."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(self.format(record))

    ear, ours = Ear(logging.ERROR), logging.getLogger("timebok")
    ours.addHandler(ear)
    try:
        yield
    finally:
        ours.removeHandler(ear)


def _ear(weather: NetworkFaults) -> Starlette:
    """What of ours Google calls."""

    async def notified(request: Request) -> Response:
        await weather.hear(dict(request.headers))
        return Response(status_code=204)

    return Starlette(routes=[Route("/google/notifications", notified, methods=["POST"])])
