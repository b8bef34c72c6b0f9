"""The push machine: `begin` and `step` decide which call to make next for one mirror, until its outcome. Pure.

It also renders the event. Lost answers and repeated runs do no harm: whatever Google has at first, the calls lead to
one event with the rendered content, or to none. The engine computes the event's id from booking, calendar and the
generation of a call. It stores a new generation before it makes the call: otherwise, if the answer got lost, nobody
would know of the event.
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
    """An event's whole content without its id, and a hash of it."""

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
    """`events.list` of the calendar, only to learn whether the account can read it. `generation` is the id's."""

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
    """The calendar or the account is in trouble, not this mirror. `sync.google_api.retry` decides for how long."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Failed:
    """Google refuses this event, and would refuse it again."""

    failure: Failure


Call: TypeAlias = Insert | Get | Update | Delete | Look
Outcome: TypeAlias = Pushed | Removed | Again | Failed
Reply: TypeAlias = EventReply | Page | Done | Failure


class EventState(StrEnum):
    """What we know of the event with the current id."""

    NOTHING = auto()
    ALIVE = auto()
    CANCELLED = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the push of one mirror is.

    `call` is the one whose reply comes next. `refused` is the failure of an update, while we read the event to see why.
    `doubted` is a call that did not find the event, with its failure, while we check that we can read the calendar.
    """

    call: Call
    sight: EventState = EventState.NOTHING
    refused: Failure | None = None
    doubted: tuple[Call, Failure] | None = None
    renewals: int = 0


Step: TypeAlias = tuple[Progress, Call | Outcome]


def begin(*, present: bool, generation: int, pushed_before: bool) -> tuple[Progress, Call]:
    """Returns the first call for a mirror. `pushed_before` means that a push of this generation has succeeded."""
    call: Call
    if not present:
        call = Delete(generation)
    elif pushed_before:
        call = Update(generation)
    else:
        call = Insert(generation)
    return Progress(call), call


def step(progress: Progress, reply: Reply) -> Step:
    """Returns what follows from the reply to the last call.

    NOT_FOUND proves that an event is absent only if the account can read the calendar, since Google answers the same
    for a calendar that the account cannot see; so `Look` checks that. An insert's NOT_FOUND means the calendar anyway.
    """
    match progress.call, reply:
        case Look(), Page():
            return _absent(progress)
        case Delete() | Get() as call, Failure(kind=FailureKind.NOT_FOUND):
            return _call(replace(progress, doubted=(call, reply)), Look(call.generation))
        case Delete(), Done() | Failure(kind=FailureKind.GONE):
            return progress, Removed()
        case Insert(generation) | Update(generation), EventReply(event):
            return progress, Pushed(generation, event.get("etag"), event.get("htmlLink"))
        case Get(generation), EventReply(event):
            return _seen(progress, generation, cancelled=translate.is_cancelled(event))
        case Insert(generation), Failure(kind=FailureKind.DUPLICATE):
            # An earlier answer got lost, or the id stays taken after its event was deleted: read the event.
            return _call(progress, Get(generation))
        case Get(), Failure(kind=FailureKind.GONE):
            return _renew(replace(progress, sight=EventState.UNREADABLE), reply)
        case Update(generation), Failure(kind=FailureKind.NOT_FOUND | FailureKind.GONE) if (
            progress.sight is EventState.NOTHING
        ):
            return _call(progress, Insert(generation))
        case Update() as call, Failure(kind=FailureKind.NOT_FOUND):
            return _call(replace(progress, doubted=(call, reply)), Look(call.generation))
        case Update(), Failure(kind=FailureKind.GONE):
            return _renew(progress, reply)
        case Look(), Failure(kind=FailureKind.PERMANENT):
            return progress, Again(reply)
        case Update(generation), Failure(kind=FailureKind.PERMANENT) if progress.sight is EventState.NOTHING:
            return _call(replace(progress, refused=reply), Get(generation))
        case Update(), Failure(kind=FailureKind.PERMANENT) if progress.sight is EventState.CANCELLED:
            return _renew(progress, reply)
        case _, Failure(kind=FailureKind.PERMANENT):
            return progress, Failed(reply)
        case _, Failure():
            return progress, Again(reply)
    raise TypeError(f"{reply!r} does not answer {progress.call!r}")


def _absent(progress: Progress) -> Step:
    """Goes on after `Look`: the account can read the calendar, so the event is not there."""
    if progress.doubted is None:
        raise TypeError("a calendar is looked at because of a call")
    call, reply = progress.doubted
    progress = replace(progress, call=call, doubted=None)
    match call:
        case Delete():
            return progress, Removed()
        case Get():
            return _renew(replace(progress, sight=EventState.UNREADABLE), reply)
        case _:
            return _renew(progress, reply)


def _seen(progress: Progress, generation: int, *, cancelled: bool) -> Step:
    """Goes on after `Get`: updates the event, also a cancelled one, unless Google has just refused an update."""
    next_progress = replace(progress, sight=EventState.CANCELLED if cancelled else EventState.ALIVE, refused=None)
    if progress.refused is None:
        return _call(next_progress, Update(generation))
    return _renew(next_progress, progress.refused) if cancelled else (next_progress, Failed(progress.refused))


def _renew(progress: Progress, reason: Failure) -> Step:
    """Goes on with a new id, since Google lets us neither use nor free the old one."""
    if progress.renewals == RENEWALS_AT_MOST:
        return progress, Failed(reason)
    renewed = Progress(progress.call, renewals=progress.renewals + 1)
    return _call(renewed, Insert(progress.call.generation + 1))


def _call(progress: Progress, call: Call) -> Step:
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
    """Renders the event of a booking: every field that a PUT without it would clear, and no attendees.

    `time_zone` is the option's; Google shows it as the event's own. The three texts are plain. Cuts them at the lengths
    above which Google is reported to refuse them, and escapes the description, which Google reads as HTML.
    """
    content: dict[str, Any] = {
        "summary": " ".join(title.split())[:TITLE_LENGTH],
        "description": markup.html_of(description.strip(), DESCRIPTION_LENGTH),
        "location": " ".join(location.split())[:LOCATION_LENGTH],
        "start": _moment(starts_at, time_zone),
        "end": _moment(ends_at, time_zone),
        "status": "confirmed",
        "transparency": "transparent" if mirror_as is MirrorAs.FREE else "opaque",
        "reminders": {"useDefault": False},
    }
    canonical = json.dumps([str(booking_id), content], sort_keys=True, ensure_ascii=False)
    content_hash = hashlib.sha256(canonical.encode()).hexdigest()
    ours = {BOOKING_PROPERTY: str(booking_id), CONTENT_PROPERTY: content_hash}
    return Rendered({**content, "extendedProperties": {"private": ours}}, content_hash)


def kept_fields(event: EventJson) -> Mapping[str, Any]:
    """Returns what people may set on our event, colour and reminders, so that our PUT does not clear it."""
    return {name: event[name] for name in ("colorId", "reminders") if event.get(name) is not None}


def _moment(moment: datetime, time_zone: str) -> dict[str, str]:
    local = moment.astimezone(ZoneInfo(time_zone))
    return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": time_zone}
