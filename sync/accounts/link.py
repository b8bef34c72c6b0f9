"""Links: an option tied to a calendar, by what rules, and untied again. Verbs on rows; the worker does what follows.

A link makes every future booking wanted in the calendar and the calendar due for a full pull; a changed rule makes
what is blocked due to be decided anew. Nobody waits here for either.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models import checks
from models.actions import affected_entries
from models.catalog import option
from models.catalog.option import Option
from models.enums import (
    AllDayEvents,
    Blocking,
    ChangeAction,
    ChangeKind,
    EventDetail,
    GoogleAccountState,
    MirrorAs,
    UnroutedEvents,
)
from models.google import event, mirror
from models.google.mirror import READ_ONLY
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.log import change_log
from models.log.change_log import LoggedTransaction
from models.refusals import ErrorCode, Refusal, Refused, refused
from sync import leases
from sync.accounts import merge
from sync.pull.block_rules import Matcher
from sync.pull.machine import SWEEP_REFUSED

MATCHERS_AT_MOST = 50
_MATCHER_LENGTH = 200


@dataclass(frozen=True, slots=True)
class LinkChoices:
    """How a link behaves; what is None keeps what an earlier link of the option had, else the default."""

    blocking: Blocking | None = None
    matchers: tuple[Matcher, ...] | None = None
    unrouted_events: UnroutedEvents | None = None
    all_day_events: AllDayEvents | None = None
    detail: EventDetail | None = None
    mirror_as: MirrorAs | None = None

    def columns(self) -> dict[str, Any]:
        """The link's columns that were chosen."""
        matchers = None if self.matchers is None else [{"field": m.field, "value": m.value} for m in self.matchers]
        chosen = {
            "blocking": self.blocking,
            "matchers": matchers,
            "all_day_events": self.all_day_events,
            "detail": self.detail,
            "mirror_as": self.mirror_as,
        }
        return {name: value for name, value in chosen.items() if value is not None}


async def link(business_id: UUID, option_id: UUID, google_id: str, choices: LinkChoices) -> UUID | Refused:
    """Ties an option to a calendar of the account it signed in with, or changes how it is tied; answers the link."""
    if wrong := validate(choices):
        return Refused(wrong)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = await _signed_in(business_id, option_id)
        if isinstance(row, Refused):
            return row
        if wrong := judge_rule(row, choices.blocking, choices.matchers):
            return Refused([wrong])
        calendar = await _choosable(row, google_id, choices)
        if isinstance(calendar, Refused):
            return calendar
        await merge.gather(work, calendar)
        row = await GoogleLink.get(id=row.id)
        changed = {name: value for name, value in choices.columns().items() if getattr(row, name) != value}
        before, moved = row.calendar_id, row.calendar_id != calendar.id
        await GoogleLink.filter(id=row.id).update(calendar_id=calendar.id, **changed)
        noted = await mirror.want_future(work, option_id) if moved or "mirror_as" in changed else ()
        if moved and before:
            await leave(work, before, option_id, noted)
        if moved:
            await mirror.take_up(work, calendar.id)
        reads_otherwise = choices.unrouted_events not in (None, calendar.unrouted_events)
        if reads_otherwise:
            await GoogleCalendar.filter(id=calendar.id).update(unrouted_events=choices.unrouted_events)
        if moved or reads_otherwise or "detail" in changed:
            await affected_entries.of_calendar(work, calendar.id)
        await merge.reroute(work, calendar.id, [option_id] if moved else [])
        work.record(ChangeKind.GOOGLE_LINK, row.id, ChangeAction.UPSERTED, [option_id])
        return row.id

    return await change_log.write(business_id, body)


async def unlink(business_id: UUID, option_id: UUID, keep_events: bool) -> UUID | Refused:
    """Unties an option: what was pulled goes when no other link needs it, the mirrored future bookings go unless
    they are to stay. The rules are remembered. Answers the option.
    """

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = await _signed_in(business_id, option_id, even_dead=True)
        if isinstance(row, Refused):
            return row
        if row.calendar_id is None:
            return option_id
        await GoogleLink.filter(id=row.id).update(calendar_id=None)
        noted = await (mirror.let_go if keep_events else mirror.want_future)(work, option_id)
        await leave(work, row.calendar_id, option_id, noted)
        work.record(ChangeKind.GOOGLE_LINK, row.id, ChangeAction.UPSERTED, [option_id])
        return option_id

    return await change_log.write(business_id, body)


async def sync_now(business_id: UUID, option_id: UUID) -> UUID | Refused:
    """Makes the option's calendar due in both directions, cutting short every pause but one Google prescribed.

    Asked for after a suspicious sweep or after bookings were given up, it is the consent of somebody who looked.
    Answers the option.
    """

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = await _signed_in(business_id, option_id, even_dead=True)
        if isinstance(row, Refused):
            return row
        if row.calendar_id is None:
            return _not_connected("The option is not linked to a Google calendar.")
        calendar = GoogleCalendar.filter(id=row.calendar_id)
        # The calendar may be followed through another account than the option's own.
        if not await calendar.filter(account__state=GoogleAccountState.CONNECTED).exists():
            return _reconnect()
        await mirror.revive(work, row.calendar_id)
        await calendar.filter(push_due_at__isnull=True).update(push_due_at=work.now)
        await calendar.filter(pull_error_code=SWEEP_REFUSED.code).update(sweep_allowed=True)
        await leases.hasten(calendar, work.now, over_prescribed=False)
        work.record(ChangeKind.GOOGLE_LINK, row.id, ChangeAction.UPSERTED, [option_id])
        return option_id

    return await change_log.write(business_id, body)


def validate(choices: LinkChoices) -> list[Refusal]:
    """What is wrong with the choices, field by field."""
    matchers = choices.matchers or ()
    if len(matchers) > MATCHERS_AT_MOST:
        return [checks.invalid("At most {most} matchers.", "matchers", most=MATCHERS_AT_MOST)]
    return checks.found(
        *(
            checks.text(each.value, "matchers", str(at), "value", longest=_MATCHER_LENGTH, required=True)
            for at, each in enumerate(matchers)
        )
    )


def judge_rule(row: GoogleLink, blocking: Blocking | None, matchers: tuple[Matcher, ...] | None) -> Refusal | None:
    """A link that waits for what names its option needs a matcher. One that has none already is left as it is."""
    was_so = row.calendar_id is not None and _names_nothing(row.blocking, row.matchers)
    is_so = _names_nothing(blocking or row.blocking, row.matchers if matchers is None else matchers)
    if was_so or not is_so:
        return None
    return checks.invalid("MATCHED_EVENTS needs a matcher: what names this option.", "matchers")


def _names_nothing(blocking: str, matchers: Collection[object]) -> bool:
    return blocking == Blocking.MATCHED_EVENTS and not matchers


async def _signed_in(business_id: UUID, option_id: UUID, even_dead: bool = False) -> GoogleLink | Refused:
    """The option's link row; it has none before somebody signed in for it."""
    if not await Option.filter(business_id=business_id, id=option_id).exists():
        return option.not_found()
    row = await GoogleLink.get_or_none(option_id=option_id)
    if row is None:
        return _not_connected("Sign in with Google for this option first.")
    account = await GoogleAccount.get(id=row.account_id)
    if account.state != GoogleAccountState.CONNECTED and not even_dead:
        return _reconnect()
    return row


async def _choosable(row: GoogleLink, google_id: str, choices: LinkChoices) -> GoogleCalendar | Refused:
    """The calendar that is meant; one that may only be read can do nothing but block."""
    calendar = await chosen(row, google_id)
    if calendar is None:
        return refused(ErrorCode.NOT_FOUND, "The Google account has no such calendar.", "input", "calendarId")
    blocking = choices.blocking or row.blocking
    if calendar.access_role in READ_ONLY and blocking == Blocking.NO_EVENTS:
        return refused(
            ErrorCode.GOOGLE_CALENDAR_READ_ONLY,
            "The account may only read this calendar: linked without blocking it would do nothing.",
            "input",
            "blocking",
        )
    return calendar


async def chosen(row: GoogleLink, google_id: str) -> GoogleCalendar | None:
    """The calendar of that id in the account's list, through whichever account it is followed; else the one that the
    option is linked to, although the account lists it no more.
    """
    listed = await GoogleCalendar.get_or_none(account_id=row.account_id, google_id=google_id, listed=True)
    if listed is None:
        return await GoogleCalendar.get_or_none(id=row.calendar_id, google_id=google_id)
    return await merge.followed(listed) or listed


async def leave(work: LoggedTransaction, calendar_id: UUID, option_id: UUID, noted: Collection[UUID] = ()) -> None:
    """The option no longer listens to the calendar: what it blocked is free at once, the rest follows. `noted` are
    bookings whose change was noted already.
    """
    await event.free(work, option_id, besides=noted)
    await affected_entries.of_calendar(work, calendar_id, left=option_id)
    await merge.reroute(work, calendar_id, [option_id])


def _reconnect() -> Refused:
    return refused(
        ErrorCode.GOOGLE_RECONNECT_REQUIRED, "The Google account must be signed in again.", "input", "optionId"
    )


def _not_connected(message: str) -> Refused:
    return refused(ErrorCode.GOOGLE_NOT_CONNECTED, message, "input", "optionId")
