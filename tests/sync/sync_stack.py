"""The whole sync floor over real HTTP: the sandbox Google behind a server, our door, engine and worker before it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from models import clock
from models.bookings.booking import Booking
from models.enums import BookingStatus, ChangeAction, ChangeKind, MirrorState
from models.google import mirror
from models.google.event import GoogleBlock, GoogleEvent
from models.google.tables import GoogleBudget, GoogleCalendar
from models.log import change_log as changes
from models.log import notifier
from models.log.change_log import Change, LoggedTransaction
from models.refusals import Refused
from models.settings import Settings
from sync.engine import Engine
from sync.sandbox.app import sandbox_app
from sync.sandbox.faults import FaultKind
from sync.sandbox.state import SandboxGoogle
from sync.service import Google, LinkChoices
from sync.worker import Worker
from tests.served import ticket_in
from tests.stage import Stage, browser
from tests.sync import rows
from tests.sync.sandbox.sandbox_client import ANNA, CLIENT

RETURN_TO = "https://app.example/options/1?tab=calendar"
SCOPES_WANTED = (
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
)


@dataclass
class Floor:
    """One business, with Google beside it."""

    sandbox: SandboxGoogle
    door: Google
    engine: Engine
    worker: Worker
    business_id: UUID
    settings: Settings
    on: "Stages"

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Waits, woken by every write, until it holds."""
        async with asyncio.timeout(10):
            with notifier.current().listening(self.business_id) as rung:
                while not await holds():
                    await rung.wait()
                    rung.clear()

    async def until_mirrored(self, booking_id: UUID) -> None:
        """Waits until the booking is in Google."""

        async def mirrored() -> bool:
            shown = await self.door.mirror_states(self.business_id, [booking_id])
            return shown[booking_id].state is MirrorState.MIRRORED

        await self.until(mirrored)

    def held(self, method: str, path: str) -> asyncio.Event:
        """Google lets the next such request wait until the faults are cleared; set when it has come."""
        self.sandbox.faults.add(FaultKind.HOLD, method=method, path=path)
        return self.on.google.arrival(method, path)

    async def sign_in(self, option_id: UUID, email: str = ANNA, scopes: tuple[str, ...] = SCOPES_WANTED) -> str:
        """A person signs in for an option and comes back; where to, before the ticket is redeemed."""
        address = await self.door.start_sign_in(self.business_id, option_id, RETURN_TO)
        assert isinstance(address, str), address
        async with browser() as person:
            form = {"account": email, "decision": "allow", "scope": list(scopes)}
            answer = await person.post(address, data=form)
        assert answer.status_code in (302, 303), answer.text
        back = await self.door.callback(dict(parse_qsl(urlsplit(answer.headers["location"]).query)))
        assert back is not None
        return back

    async def signed_in(self, option_id: UUID, email: str = ANNA) -> None:
        """The same, with the ticket redeemed."""
        back = await self.sign_in(option_id, email)
        redeemed = await self.door.complete_sign_in(self.business_id, ticket_in(back))
        assert redeemed == option_id

    async def linked_option(self, name: str = "Anna", calendar: str = ANNA, email: str = ANNA, **choices: Any) -> UUID:
        """An option linked to a calendar, everything in step."""
        option_id = await rows.an_option(self.business_id, name)
        await self.signed_in(option_id, email)
        linked = await self.door.link(self.business_id, option_id, calendar, LinkChoices(**choices))
        assert not isinstance(linked, Refused), linked
        await self.settle()
        return option_id

    async def settle(self) -> None:
        """The worker does everything that is due."""
        while await self.worker.start_due():
            await self.worker.finish()
        await self.worker.finish()

    async def look(self) -> None:
        """Time passes: every followed calendar is due, no pause lasts; the worker does everything."""
        await GoogleBudget.all().delete()
        past = {"pull_due_at": clock.now(), "pull_not_before": None}
        await GoogleCalendar.filter(pull_due_at__isnull=False).update(**past)
        await GoogleCalendar.filter(push_due_at__isnull=False).update(push_due_at=clock.now(), push_not_before=None)
        await self.settle()

    async def book(self, option_id: UUID, starts_at: datetime | None = None, **more: Any) -> UUID:
        """A booking, as the booking verb leaves it."""
        booking_id = await rows.a_booking(self.business_id, option_id, starts_at, **more)
        await self.want(booking_id, option_id, present=True)
        return booking_id

    async def move(self, booking_id: UUID, starts_at: datetime, option_id: UUID) -> None:
        await Booking.filter(id=booking_id).update(
            starts_at=starts_at, ends_at=starts_at + rows.HOUR, option_id=option_id
        )
        await self.want(booking_id, option_id, present=True)

    async def cancel(self, booking_id: UUID, option_id: UUID) -> None:
        await Booking.filter(id=booking_id).update(status=BookingStatus.CANCELLED)
        await self.want(booking_id, option_id, present=False)

    async def want(self, booking_id: UUID, option_id: UUID, *, present: bool) -> None:
        async def body(work: LoggedTransaction) -> None:
            work.record(ChangeKind.BOOKING, booking_id, ChangeAction.UPSERTED, [option_id])
            await mirror.want(work, booking_id, option_id, present)

        await changes.write(self.business_id, body)

    async def blocked(self, option_id: UUID) -> list[tuple[datetime, datetime]]:
        """What Google blocks of an option."""
        found = await GoogleBlock.filter(option_id=option_id).order_by("starts_at")
        return [(block.starts_at, block.ends_at) for block in found]

    async def titles(self) -> list[str]:
        return sorted(str(row.title) for row in await GoogleEvent.filter(business_id=self.business_id))

    async def changes(self, kind: ChangeKind = ChangeKind.GOOGLE_EVENT) -> list[tuple[str, UUID]]:
        """The log: what happened to which."""
        found = await Change.filter(business_id=self.business_id, kind=kind).order_by("revision")
        return [(change.action, change.entity_id) for change in found]


def busy(starts_at: datetime, ends_at: datetime, **fields: Any) -> dict[str, Any]:
    """An event body."""
    times = {"start": {"dateTime": starts_at.isoformat()}, "end": {"dateTime": ends_at.isoformat()}}
    return {**times, **fields}


@dataclass
class Stages:
    """Where Google is played, and where it reaches us."""

    google: Stage
    ours: Stage


@asynccontextmanager
async def floor_on(
    on: Stages, *, around: Callable[[ASGIApp], ASGIApp] | None = None, **overrides: Any
) -> AsyncIterator[Floor]:
    """The floor on the current database, beside a Google where Anna and Ben have calendars. `around` that Google, if
    given, a middleware.
    """
    sandbox = SandboxGoogle()
    sandbox.seed_demo()
    values: dict[str, Any] = {
        "public_url": on.ours.origin,
        "google_origin": on.google.origin,
        "google_client_id": CLIENT["client_id"],
        "google_client_secret": CLIENT["client_secret"],
        **overrides,
    }
    settings = Settings(**values)
    async with AsyncExitStack() as open_things:
        google = sandbox_app(sandbox)
        if around is not None:
            google.add_middleware(around)
        await open_things.enter_async_context(on.google.playing(google))
        door = await open_things.enter_async_context(Google(settings, rows.SECRETS))
        await open_things.enter_async_context(notifier.open_notifier("memory://"))
        await open_things.enter_async_context(on.ours.playing(_notified(door)))
        engine = door._engine
        yield Floor(sandbox, door, engine, Worker(engine, 30), await rows.a_business(), settings, on)
        await sandbox.close()


def _notified(door: Google) -> Starlette:
    """What of ours Google calls."""

    async def notified(request: Request) -> Response:
        await door.notification(dict(request.headers))
        return Response(status_code=204)

    return Starlette(routes=[Route("/google/notifications", notified, methods=["POST"])])
