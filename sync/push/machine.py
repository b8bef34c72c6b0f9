"""A mirror put right, as a machine: `begin` and `step` say which call to make next, until the outcome. Pure.

Also renders the event. Nothing here is a command that could be lost or repeated wrongly: from whatever Google has,
the calls lead to one event with the rendered content, or to none. Ids come from (booking, calendar, generation):
the caller turns the generation of a call into the id, and stores a generation that is new before it makes the call,
since an answer that is lost must not be followed by an event that is forgotten.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, auto
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from models.enums import MirrorAs
from sync.google_api import markup, translate
from sync.google_api.replies import Done, EventJson, EventReply, Failure, FailureKind, Page

BOOKING_PROPERTY: Final = "timebokBooking"
CONTENT_PROPERTY: Final = "timebokContent"

RENEWALS_AT_MOST: Final = 2
TITLE_LENGTH: Final = 1024
DESCRIPTION_LENGTH: Final = 8192
LOCATION_LENGTH: Final = 1024


@dataclass(frozen=True, slots=True)
class Rendered:
    """An event's whole content, without an id, and a hash that changes exactly when the content does."""

    body: Mapping[str, Any]
    content_hash: str


@dataclass(frozen=True, slots=True)
class Insert:
    """`events.insert` of the rendered body under the id of this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class Get:
    """`events.get` of the id of this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class Update:
    """`events.update` (PUT, no If-Match) of the id of this generation with the rendered body."""

    generation: int


@dataclass(frozen=True, slots=True)
class Delete:
    """`events.delete` of the id of this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class Look:
    """`events.list` of the calendar, no matter what is in it: whether it can be read. `generation` is the id's."""

    generation: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """Google has the rendered event, under the id of this generation."""

    generation: int
    etag: str | None
    html_link: str | None


@dataclass(frozen=True, slots=True)
class Removed:
    """Google has no event of this mirror."""


@dataclass(frozen=True, slots=True)
class Again:
    """Not this mirror's fault: the calendar or the account is in trouble. The work stays; `sync.google_api.retry` says
    for how long.
    """

    failure: Failure


@dataclass(frozen=True, slots=True)
class Failed:
    """Google refuses this very event; trying the same again is no use."""

    failure: Failure


Call: TypeAlias = Insert | Get | Update | Delete | Look
Outcome: TypeAlias = Pushed | Removed | Again | Failed
Reply: TypeAlias = EventReply | Page | Done | Failure


class Sight(StrEnum):
    """What has been seen of the event under the present id."""

    NOTHING = auto()
    ALIVE = auto()
    CANCELLED = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one mirror's reconciliation is.

    `call` is the one whose reply comes next; `refused` is what an update met, while the event is looked at; `doubted`
    the call that did not find the event, and that answer, while the calendar is looked at.
    """

    call: Call
    sight: Sight = Sight.NOTHING
    refused: Failure | None = None
    doubted: tuple[Call, Failure] | None = None
    renewals: int = 0


Step: TypeAlias = tuple[Progress, Call | Outcome]


def begin(*, present: bool, generation: int, pushed_before: bool) -> tuple[Progress, Call]:
    """The first call for a mirror. `pushed_before`: an earlier push of this generation is known to have succeeded."""
    call: Call
    if not present:
        call = Delete(generation)
    elif pushed_before:
        call = Update(generation)
    else:
        call = Insert(generation)
    return Progress(call), call


def step(progress: Progress, reply: Reply) -> Step:
    """What follows from the reply to the last call.

    NOT_FOUND proves that an event is absent only where the calendar can be read: an account that lost sight of the
    calendar is answered the same. An insert's speaks of the calendar alone, and who tries one learns it that way.
    """
    match progress.call, reply:
        case Look(), Page():
            return _absent(progress)
        case Delete() | Get() as call, Failure(kind=FailureKind.NOT_FOUND):
            return _go(replace(progress, doubted=(call, reply)), Look(call.generation))
        case Delete(), Done() | Failure(kind=FailureKind.GONE):
            return progress, Removed()
        case Insert(generation) | Update(generation), EventReply(event):
            return progress, Pushed(generation, event.get("etag"), event.get("htmlLink"))
        case Get(generation), EventReply(event):
            return _seen(progress, generation, cancelled=translate.is_cancelled(event))
        case Insert(generation), Failure(kind=FailureKind.DUPLICATE):
            # An answer that was lost, or an id that stays taken after its event was deleted: read it back.
            return _go(progress, Get(generation))
        case Get(), Failure(kind=FailureKind.GONE):
            return _renew(replace(progress, sight=Sight.UNREADABLE), reply)
        case Update(generation), Failure(kind=FailureKind.NOT_FOUND | FailureKind.GONE) if (
            progress.sight is Sight.NOTHING
        ):
            return _go(progress, Insert(generation))
        case Update() as call, Failure(kind=FailureKind.NOT_FOUND):
            return _go(replace(progress, doubted=(call, reply)), Look(call.generation))
        case Update(), Failure(kind=FailureKind.GONE):
            return _renew(progress, reply)
        case Look(), Failure(kind=FailureKind.PERMANENT):
            return progress, Again(reply)
        case Update(generation), Failure(kind=FailureKind.PERMANENT) if progress.sight is Sight.NOTHING:
            return _go(replace(progress, refused=reply), Get(generation))
        case Update(), Failure(kind=FailureKind.PERMANENT) if progress.sight is Sight.CANCELLED:
            return _renew(progress, reply)
        case _, Failure(kind=FailureKind.PERMANENT):
            return progress, Failed(reply)
        case _, Failure():
            return progress, Again(reply)
    raise TypeError(f"{reply!r} does not answer {progress.call!r}")


def _absent(progress: Progress) -> Step:
    """The calendar can be read, so what was not found in it is not there."""
    if progress.doubted is None:
        raise TypeError("a calendar is looked at because of a call")
    call, reply = progress.doubted
    progress = replace(progress, call=call, doubted=None)
    match call:
        case Delete():
            return progress, Removed()
        case Get():
            return _renew(replace(progress, sight=Sight.UNREADABLE), reply)
        case _:
            return _renew(progress, reply)


def _seen(progress: Progress, generation: int, *, cancelled: bool) -> Step:
    """The event was read back: it is brought to life, or put right, unless just that was refused before."""
    seen = replace(progress, sight=Sight.CANCELLED if cancelled else Sight.ALIVE, refused=None)
    if progress.refused is None:
        return _go(seen, Update(generation))
    return _renew(seen, progress.refused) if cancelled else (seen, Failed(progress.refused))


def _renew(progress: Progress, reason: Failure) -> Step:
    """A new id, since the old one can neither be used nor freed."""
    if progress.renewals == RENEWALS_AT_MOST:
        return progress, Failed(reason)
    renewed = Progress(progress.call, renewals=progress.renewals + 1)
    return _go(renewed, Insert(progress.call.generation + 1))


def _go(progress: Progress, call: Call) -> Step:
    return replace(progress, call=call), call


def render_event(
    *,
    booking_id: UUID,
    title: str,
    description: str,
    location: str,
    starts_at: datetime,
    ends_at: datetime,
    time_zone: str,
    mirror_as: MirrorAs,
) -> Rendered:
    """The event that stands for a booking: everything that a PUT would otherwise clear, and nobody to invite.

    `time_zone` is the option's: Google shows it as the event's own. Texts are cut where Google is reported to
    refuse longer ones. All three are plain; Google takes a description for HTML, so there it is written as such.
    """
    content: dict[str, Any] = {
        "summary": " ".join(title.split())[:TITLE_LENGTH],
        "description": markup.html_of(description.strip(), DESCRIPTION_LENGTH),
        "location": " ".join(location.split())[:LOCATION_LENGTH],
        "start": _spelled(starts_at, time_zone),
        "end": _spelled(ends_at, time_zone),
        "status": "confirmed",
        "transparency": "transparent" if mirror_as is MirrorAs.FREE else "opaque",
        "reminders": {"useDefault": False},
    }
    canonical = json.dumps([str(booking_id), content], sort_keys=True, ensure_ascii=False)
    content_hash = hashlib.sha256(canonical.encode()).hexdigest()
    ours = {BOOKING_PROPERTY: str(booking_id), CONTENT_PROPERTY: content_hash}
    return Rendered({**content, "extendedProperties": {"private": ours}}, content_hash)


def carried(event: EventJson) -> Mapping[str, Any]:
    """What people may set on an event of ours, and a PUT would clear: its colour and its reminders stay theirs."""
    return {name: event[name] for name in ("colorId", "reminders") if event.get(name) is not None}


def _spelled(moment: datetime, time_zone: str) -> dict[str, str]:
    local = moment.astimezone(ZoneInfo(time_zone))
    return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": time_zone}
