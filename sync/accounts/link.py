"""Links an option to a calendar, changes the link's rules, and unlinks it. The verbs only write rows.

A new link wants every future booking mirrored and makes the calendar due for a full pull; a changed rule makes it due
to be rerouted. The worker does both later.
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
from sync.google_api import scopes
from sync.pull.block_rules import Matcher
from sync.pull.machine import SWEEP_REFUSED

MATCHERS_AT_MOST = 50
_MATCHER_LENGTH = 200
_NOT_LINKED = "The option is not linked to a Google calendar."


@dataclass(frozen=True, slots=True)
class LinkChoices:
    """The rules that a client chose for a link. None keeps the option's earlier choice, or the default."""

    blocking: Blocking | None = None
    matchers: tuple[Matcher, ...] | None = None
    unrouted_events: UnroutedEvents | None = None
    all_day_events: AllDayEvents | None = None
    detail: EventDetail | None = None
    mirror_as: MirrorAs | None = None

    def columns(self) -> dict[str, Any]:
        """Returns the link's columns that the client chose."""
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
    """Links an option to a calendar of the account it signed in with, or changes its rules. Returns the link."""
    if refusals := validate(choices):
        return Refused(refusals)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = await _signed_in(business_id, option_id)
        if isinstance(row, Refused):
            return row
        if refusal := validate_rule(row, choices.blocking, choices.matchers):
            return Refused([refusal])
        calendar = await _usable_calendar(row, google_id, choices)
        if isinstance(calendar, Refused):
            return calendar
        await merge.move_links_to(work, calendar)
        row = await GoogleLink.get(id=row.id)
        changed = {name: value for name, value in choices.columns().items() if getattr(row, name) != value}
        before, moved = row.calendar_id, row.calendar_id != calendar.id
        await GoogleLink.filter(id=row.id).update(calendar_id=calendar.id, **changed)
        recorded = await mirror.want_future(work, option_id) if moved or "mirror_as" in changed else ()
        if moved and before:
            await end_following(work, before, option_id, recorded)
        if moved:
            await mirror.adopt_events(work, calendar.id)
        reads_otherwise = choices.unrouted_events not in (None, calendar.unrouted_events)
        if reads_otherwise:
            await GoogleCalendar.filter(id=calendar.id).update(unrouted_events=choices.unrouted_events)
        if moved or reads_otherwise or "detail" in changed:
            await affected_entries.record_for_calendar(work, calendar.id)
        await merge.reroute(work, calendar.id, [option_id] if moved else [])
        work.record(ChangeKind.GOOGLE_LINK, row.id, ChangeAction.UPSERTED, [option_id])
        return row.id

    return await change_log.write(business_id, body)


async def unlink(business_id: UUID, option_id: UUID, keep_events: bool) -> UUID | Refused:
    """Unlinks an option and returns it. The worker then deletes the calendar's events here, unless another link needs
    them, and the mirrored future bookings in Google, unless `keep_events`. The link keeps its rules.
    """

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = await _row_of(business_id, option_id, _NOT_LINKED)
        if isinstance(row, Refused):
            return row
        if row.calendar_id is None:
            return option_id
        await GoogleLink.filter(id=row.id).update(calendar_id=None)
        recorded = await (mirror.leave_events if keep_events else mirror.want_future)(work, option_id)
        await end_following(work, row.calendar_id, option_id, recorded)
        work.record(ChangeKind.GOOGLE_LINK, row.id, ChangeAction.UPSERTED, [option_id])
        return option_id

    return await change_log.write(business_id, body)


async def sync_now(business_id: UUID, option_id: UUID) -> UUID | Refused:
    """Makes the option's calendar due in both directions, cutting short every pause but one that Google demanded.

    It also allows a suspicious sweep and retries mirrors that we gave up, since a person has looked. Returns the
    option.
    """

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = await _row_of(business_id, option_id, _NOT_LINKED)
        if isinstance(row, Refused):
            return row
        if row.calendar_id is None:
            return _not_connected(_NOT_LINKED)
        calendar = GoogleCalendar.filter(id=row.calendar_id)
        # The calendar may be followed through another account than the option's own.
        account = await GoogleAccount.get(id=(await calendar.get()).account_id)
        if account.state != GoogleAccountState.CONNECTED:
            return reconnect(account, "optionId")
        await mirror.retry_failed(work, row.calendar_id)
        await calendar.filter(push_due_at__isnull=True).update(push_due_at=work.now)
        await calendar.filter(pull_error_code=SWEEP_REFUSED.code).update(sweep_allowed=True)
        await leases.hasten(calendar, work.now, over_prescribed=False)
        work.record(ChangeKind.GOOGLE_LINK, row.id, ChangeAction.UPSERTED, [option_id])
        return option_id

    return await change_log.write(business_id, body)


def validate(choices: LinkChoices) -> list[Refusal]:
    """Returns a refusal for each wrong choice."""
    matchers = choices.matchers or ()
    if len(matchers) > MATCHERS_AT_MOST:
        return [checks.invalid("At most {most} matchers.", "matchers", most=MATCHERS_AT_MOST)]
    return checks.refusals(
        *(
            checks.text(each.value, "matchers", str(at), "value", longest=_MATCHER_LENGTH, required=True)
            for at, each in enumerate(matchers)
        )
    )


def validate_rule(row: GoogleLink, blocking: Blocking | None, matchers: tuple[Matcher, ...] | None) -> Refusal | None:
    """Refuses MATCHED_EVENTS without a matcher. A link that is so already may stay so."""
    was_so = row.calendar_id is not None and _names_nothing(row.blocking, row.matchers)
    is_so = _names_nothing(blocking or row.blocking, row.matchers if matchers is None else matchers)
    if was_so or not is_so:
        return None
    return checks.invalid("MATCHED_EVENTS needs a matcher: what names this option.", "matchers")


def _names_nothing(blocking: str, matchers: Collection[object]) -> bool:
    return blocking == Blocking.MATCHED_EVENTS and not matchers


async def _signed_in(business_id: UUID, option_id: UUID) -> GoogleLink | Refused:
    """The option's link row, with an account that may be used; it has none before somebody signed in for it."""
    row = await _row_of(business_id, option_id, "Sign in with Google for this option first.")
    if isinstance(row, Refused):
        return row
    account = await GoogleAccount.get(id=row.account_id)
    return row if account.state == GoogleAccountState.CONNECTED else reconnect(account, "optionId")


async def _row_of(business_id: UUID, option_id: UUID, without: str) -> GoogleLink | Refused:
    """The option's link row, however its account is; refused with `without` where it has none."""
    if not await Option.filter(business_id=business_id, id=option_id).exists():
        return option.not_found()
    return await GoogleLink.get_or_none(option_id=option_id) or _not_connected(without)


async def _usable_calendar(row: GoogleLink, google_id: str, choices: LinkChoices) -> GoogleCalendar | Refused:
    """Returns the calendar that the client means; refuses a read-only one that would not block either."""
    calendar = await find_calendar(row, google_id)
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


async def find_calendar(row: GoogleLink, google_id: str) -> GoogleCalendar | None:
    """Returns the row of a calendar on the account's list, or the row of another account through which we follow it.
    For the calendar that the option is linked to, also when the list has it no more. None otherwise.
    """
    listed = await GoogleCalendar.get_or_none(account_id=row.account_id, google_id=google_id, listed=True)
    if listed is None:
        return await GoogleCalendar.get_or_none(id=row.calendar_id, google_id=google_id)
    return await merge.find_followed(listed) or listed


async def end_following(
    work: LoggedTransaction, calendar_id: UUID, option_id: UUID, recorded: Collection[UUID] = ()
) -> None:
    """Ends what a calendar does to an option that was unlinked from it: deletes its blocks at once, and makes the
    calendar due. `recorded` are bookings whose change the caller recorded already.
    """
    await event.unblock(work, option_id, recorded=recorded)
    await affected_entries.record_for_calendar(work, calendar_id, left=option_id)
    await merge.reroute(work, calendar_id, [option_id])


def reconnect(account: GoogleAccount, argument: str) -> Refused:
    """An account that cannot be used until somebody signs in with it again; names what it did not grant."""
    if missing := scopes.missing(account.scopes):
        return refused(
            ErrorCode.GOOGLE_RECONNECT_REQUIRED,
            "The Google account lacks a permission: {missing}. Sign in with it again, and tick every box.",
            "input",
            argument,
            missing=", ".join(missing),
        )
    return refused(
        ErrorCode.GOOGLE_RECONNECT_REQUIRED, "The Google account must be signed in again.", "input", argument
    )


def _not_connected(message: str) -> Refused:
    return refused(ErrorCode.GOOGLE_NOT_CONNECTED, message, "input", "optionId")
