"""Reads what clients see of Google: accounts, connections, calendars to choose from, states of mirrors."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import F, Q, Subquery
from tortoise.functions import Count, Max, Min

from models.enums import (
    AllDayEvents,
    Blocking,
    Drift,
    EventDetail,
    GoogleAccessRole,
    GoogleAccountState,
    MirrorAs,
    MirrorState,
    UnroutedEvents,
)
from models.google.mirror import READ_ONLY, Mirror
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleChannel, GoogleLink
from models.storage import db
from models.storage.db import Row
from sync.accounts import health
from sync.accounts.health import IDLE, Direction, Health, Queue
from sync.google_api import scopes, trouble
from sync.google_api.trouble import Trouble, TroubleCode
from sync.pull.block_rules import Matcher, matchers


@dataclass(frozen=True, slots=True)
class Account:
    """A connected Google account. `missing_scopes` are the permissions that it did not grant, by Google's names."""

    id: UUID
    email: str
    state: GoogleAccountState
    missing_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarChoice:
    """One calendar of an account that staff can choose. `google_id` is what `link` takes."""

    id: UUID
    google_id: str
    summary: str
    primary: bool
    access_role: GoogleAccessRole
    time_zone: str


@dataclass(frozen=True, slots=True)
class LinkedCalendar:
    """The calendar that an option is linked to. `shared_with` are all options linked to it, this one included."""

    id: UUID
    google_id: str
    summary: str
    time_zone: str
    primary: bool
    access_role: GoogleAccessRole
    unrouted_events: UnroutedEvents
    shared_with: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Connection:
    """An option's connection to Google. `calendar` is None before linking and after unlinking."""

    id: UUID
    option_id: UUID
    account: Account
    calendar: LinkedCalendar | None = None
    blocking: Blocking = Blocking.ALL_EVENTS
    matchers: tuple[Matcher, ...] = ()
    all_day_events: AllDayEvents = AllDayEvents.AS_MARKED
    detail: EventDetail = EventDetail.FULL
    mirror_as: MirrorAs = MirrorAs.BUSY
    health: Health = field(default=IDLE)


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """What clients see of a booking's mirror."""

    state: MirrorState
    html_link: str | None = None
    drift: Drift = Drift.NONE
    drift_found_at: datetime | None = None
    drift_corrected_at: datetime | None = None
    error: Trouble | None = None


_MIRROR = (
    "booking_id",
    "present",
    "kept",
    "wanted_version",
    "pushed_version",
    "failed_version",
    "html_link",
    "drift",
    "drift_found_at",
    "drift_corrected_at",
    "error_code",
    "error_at",
)
_LINK = ("id", "option_id", "calendar_id", "blocking", "matchers", "all_day_events", "detail", "mirror_as")
_ACCOUNT = ("id", "email", "state", "scopes")
_CALENDAR = ("google_id", "summary", "time_zone", "is_primary", "access_role", "unrouted_events")
_GRANT = ("state", "sealed", "error_at", "listed_at", "created_at")
_DIRECTION = ("due_at", "not_before", "attempts", "action_required", "error_code", "error_at")


async def connections(
    business_id: UUID, option_ids: Iterable[UUID], poll: timedelta, opens: Callable[[str], bool], now: datetime
) -> dict[UUID, Connection]:
    """Returns the connections of these options to Google, by option, with three statements. `poll` is the longest time
    between two pulls; `opens` says whether a secret key of this server can decrypt given tokens.
    """
    wanted_ids = list(option_ids)
    ours = GoogleLink.filter(business_id=business_id)
    shared = ours.filter(option_id__in=wanted_ids, calendar_id__isnull=False)
    query = ours.filter(Q(option_id__in=wanted_ids) | Q(calendar_id__in=Subquery(shared.values("calendar_id"))))
    columns = [*_LINK, *(f"account__{name}" for name in _ACCOUNT), *(f"calendar__{name}" for name in _CALENDAR)]
    columns += [f"calendar__account__{name}" for name in _GRANT]
    for direction, completed in (("pull", "pulled_at"), ("push", "pushed_at")):
        columns += [f"calendar__{completed}", *(f"calendar__{direction}_{name}" for name in _DIRECTION)]
    rows = await db.select(query.order_by("id"), columns)
    sharing: dict[UUID | None, list[UUID]] = defaultdict(list)
    for row in rows:
        sharing[row["calendar_id"]].append(row["option_id"])
    calendars = [calendar for calendar in sharing if calendar]
    queues, channels = await _queues(calendars), await _channels(calendars)
    found = {}
    for row in (row for row in rows if row["option_id"] in set(wanted_ids)):
        calendar = row["calendar_id"]
        state = _health(row, queues.get(calendar, Queue()), channels[calendar], poll, opens, now) if calendar else IDLE
        found[row["option_id"]] = _connection(row, tuple(sharing[calendar]), state)
    return found


def _connection(row: Row, shared_with: tuple[UUID, ...], state: Health) -> Connection:
    calendar = (
        LinkedCalendar(
            id=row["calendar_id"],
            google_id=row["calendar__google_id"],
            summary=row["calendar__summary"],
            time_zone=row["calendar__time_zone"],
            primary=row["calendar__is_primary"],
            access_role=GoogleAccessRole(row["calendar__access_role"]),
            unrouted_events=UnroutedEvents(row["calendar__unrouted_events"]),
            shared_with=shared_with,
        )
        if row["calendar_id"]
        else None
    )
    return Connection(
        id=row["id"],
        option_id=row["option_id"],
        account=_account({name: row[f"account__{name}"] for name in _ACCOUNT}),
        calendar=calendar,
        blocking=Blocking(row["blocking"]),
        matchers=matchers(row["matchers"]),
        all_day_events=AllDayEvents(row["all_day_events"]),
        detail=EventDetail(row["detail"]),
        mirror_as=MirrorAs(row["mirror_as"]),
        health=state,
    )


def _account(row: Row) -> Account:
    return Account(row["id"], row["email"], GoogleAccountState(row["state"]), scopes.missing(row["scopes"]))


def _health(
    row: Row,
    queue: Queue,
    expiries: Iterable[datetime | None],
    poll: timedelta,
    opens: Callable[[str], bool],
    now: datetime,
) -> Health:
    """Computes a link's health. The calendar's account counts, not the option's, which may be another one by now."""
    grant = _grant(row, opens)
    pull, push = (_direction(row, direction, row[f"calendar__{direction}ed_at"]) for direction in ("pull", "push"))
    return Health(
        inbound=health.inbound(pull, grant, poll, now),
        outbound=health.outbound(push, queue, grant, _read_only(row), now),
        push_channel=health.channel(expiries, now),
    )


def _grant(row: Row, opens: Callable[[str], bool]) -> Trouble | None:
    """Returns the trouble with a calendar's account; None when its grant works."""
    match GoogleAccountState(row["calendar__account__state"]):
        case GoogleAccountState.CONNECTED if opens(row["calendar__account__sealed"]):
            return None
        case GoogleAccountState.CONNECTED:
            code = TroubleCode.SECRET_KEY_LOST
        case GoogleAccountState.SCOPES_MISSING:
            code = TroubleCode.GOOGLE_SCOPES_MISSING
        case GoogleAccountState.RECONNECT_REQUIRED:
            code = TroubleCode.GOOGLE_RECONNECT_REQUIRED
    return Trouble(code, row["calendar__account__error_at"] or row["calendar__account__created_at"])


def _read_only(row: Row) -> Trouble | None:
    """Returns the trouble that we may only read the calendar, as of the last calendar list; None if we may write."""
    if row["calendar__access_role"] not in READ_ONLY:
        return None
    known_at = row["calendar__account__listed_at"] or row["calendar__account__created_at"]
    return Trouble(TroubleCode.GOOGLE_CALENDAR_READ_ONLY, known_at)


def _direction(row: Row, direction: str, completed_at: datetime | None) -> Direction:
    due_at, not_before, attempts, action_required, code, at = (
        row[f"calendar__{direction}_{name}"] for name in _DIRECTION
    )
    return Direction(completed_at, due_at, not_before, attempts, action_required, trouble.from_row(code, at))


async def _queues(calendar_ids: list[UUID]) -> dict[UUID, Queue]:
    """Returns the queue of each calendar that has one. Mirrors with a `failed_version` count as failed."""
    waiting = Mirror.filter(calendar_id__in=calendar_ids).exclude(wanted_version=F("pushed_version"))
    counted = waiting.annotate(
        waiting=Count("id"),
        failed=Count("failed_version"),
        oldest=Min("pending_since"),
        code=Max("error_code"),
        at=Max("error_at"),
    ).group_by("calendar_id")
    rows = await counted.values("calendar_id", "waiting", "failed", "oldest", "code", "at")
    return {
        row["calendar_id"]: Queue(
            pending=row["waiting"] - row["failed"],
            oldest_pending_at=row["oldest"],
            failed=row["failed"],
            error=trouble.from_row(row["code"], row["at"]),
        )
        for row in rows
    }


async def _channels(calendar_ids: list[UUID]) -> dict[UUID, list[datetime | None]]:
    """Returns by calendar when the channels end that Google has confirmed."""
    open_ones = GoogleChannel.filter(calendar_id__in=calendar_ids, resource_id__isnull=False, stopping=False)
    found: dict[UUID, list[datetime | None]] = defaultdict(list)
    for row in await db.select(open_ones, ("calendar_id", "expires_at")):
        found[row["calendar_id"]].append(row["expires_at"])
    return found


async def accounts(business_id: UUID) -> tuple[Account, ...]:
    """Returns every account that the business has connected, ordered by mail address."""
    query = GoogleAccount.filter(business_id=business_id, leaving_at__isnull=True)
    rows = await db.select(query.order_by("email", "id"), _ACCOUNT)
    return tuple(_account(row) for row in rows)


async def calendar_choices(business_id: UUID, account_ids: Iterable[UUID]) -> dict[UUID, tuple[CalendarChoice, ...]]:
    """Returns the calendars on the accounts' lists, by account: the primary one first, then by name."""
    query = GoogleCalendar.filter(business_id=business_id, account_id__in=list(account_ids), listed=True)
    columns = ("id", "account_id", "google_id", "summary", "is_primary", "access_role", "time_zone")
    rows = sorted(
        await db.select(query, columns), key=lambda row: (not row["is_primary"], row["summary"], row["google_id"])
    )
    found: dict[UUID, tuple[CalendarChoice, ...]] = defaultdict(tuple)
    for row in rows:
        found[row["account_id"]] += (
            CalendarChoice(
                id=row["id"],
                google_id=row["google_id"],
                summary=row["summary"],
                primary=row["is_primary"],
                access_role=GoogleAccessRole(row["access_role"]),
                time_zone=row["time_zone"],
            ),
        )
    return found


async def mirror_states(business_id: UUID, booking_ids: Iterable[UUID]) -> dict[UUID, MirrorStatus]:
    """Returns the state of each booking's mirror, NOT_LINKED where it has none, with one statement."""
    wanted_ids = list(booking_ids)
    query = Mirror.filter(business_id=business_id, booking_id__in=wanted_ids).order_by("present", "id")
    shown = dict.fromkeys(wanted_ids, MirrorStatus(MirrorState.NOT_LINKED))
    for row in await db.select(query, _MIRROR):
        waits = row["wanted_version"] != row["pushed_version"]
        if not row["kept"] and (row["present"] or waits):
            shown[row["booking_id"]] = MirrorStatus(
                state=_state(waits, row["failed_version"] is not None),
                html_link=row["html_link"],
                drift=Drift(row["drift"]),
                drift_found_at=row["drift_found_at"],
                drift_corrected_at=row["drift_corrected_at"],
                error=trouble.from_row(row["error_code"], row["error_at"]),
            )
    return shown


def _state(waits: bool, failed: bool) -> MirrorState:
    if failed:
        return MirrorState.FAILED
    return MirrorState.PENDING if waits else MirrorState.MIRRORED
