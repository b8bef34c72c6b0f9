"""A rule on trial: what a calendar's events would block if an option were linked by it. Database only, no writes.

A calendar that is followed with its texts is told from its rows. Of any other the engine lists the window, which is
read for the moment and kept nowhere.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from models import clock
from models.catalog import option
from models.catalog.option import Option
from models.enums import AllDayEvents, Blocking, EventDetail, GoogleAccountState, UnroutedEvents
from models.google import event
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.refusals import ErrorCode, Refused, refused
from sync.accounts import link as linking
from sync.accounts.link import LinkChoices
from sync.google_api import translate, trouble
from sync.google_api.replies import Failure, FailureKind, Page
from sync.google_api.trouble import SAYS
from sync.pull.block_rules import LinkRule, Matcher, Routable, blocked_options, matchers, names
from sync.pull.routing import Routes, routes
from sync.pull.rows import BACK
from sync.push import mirrors

log = logging.getLogger("timebok.sync")

EVENTS_AT_MOST: Final = 1000
"""So many events are looked at, the earliest ones."""

SECONDS: Final = 5.0
"""So long a person waits for Google."""

TOO_SLOW: Final = Failure(FailureKind.RETRY, "timeout", "Google did not answer in time.")

_MARGIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule for an option on a calendar of its account, and the window `[since, until)` to try it on.

    What is None stays as the option's link (`matchers`) or the calendar (`unrouted_events`) has it.
    """

    option_id: UUID
    calendar_google_id: str
    blocking: Blocking
    matchers: tuple[Matcher, ...] | None
    unrouted_events: UnroutedEvents | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class RoutedEvent:
    """An event that takes time, and the options it would block, by name. `hidden`: only that it is busy is shown."""

    title: str | None
    hidden: bool
    starts_at: datetime
    ends_at: datetime
    blocks: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class RoutingPreview:
    """The events that take time, by start. `unrouted` of them follow the calendar's rule for what no matcher finds."""

    events: tuple[RoutedEvent, ...]
    unrouted: int


@dataclass(frozen=True, slots=True)
class Trial:
    """A proposal against the calendar as it is now. `stored`: its rows tell; else Google must be asked.

    `options` are all that are concerned, by name. `shows_texts`: somebody wants the events in full.
    """

    calendar: GoogleCalendar
    proposed: Routes
    options: tuple[UUID, ...]
    shows_texts: bool
    since: datetime
    until: datetime
    stored: bool


async def begin(business_id: UUID, proposal: Proposal, google_days: int) -> Trial | Refused:
    """The proposal, judged. `google_days` is how far ahead calendars are followed.

    Refused: NOT_FOUND (optionId, calendarId), INVALID_INPUT (matchers), GOOGLE_NOT_CONNECTED, and
    GOOGLE_RECONNECT_REQUIRED when Google would have to be asked and the grant is dead.
    """
    if wrong := linking.validate(LinkChoices(matchers=proposal.matchers)):
        return Refused(wrong)
    if not await Option.filter(business_id=business_id, id=proposal.option_id).exists():
        return option.not_found()
    link = await GoogleLink.get_or_none(business_id=business_id, option_id=proposal.option_id)
    if link is None:
        message = "Sign in with Google for this option first."
        return refused(ErrorCode.GOOGLE_NOT_CONNECTED, message, "input", "optionId")
    if unnamed := linking.judge_rule(link, proposal.blocking, proposal.matchers):
        return Refused([unnamed])
    calendar = await linking.chosen(link, proposal.calendar_google_id)
    if calendar is None:
        return refused(ErrorCode.NOT_FOUND, "The Google account has no such calendar.", "input", "calendarId")
    present = await routes(calendar.id)
    proposed = _with(present, await _coming(calendar), link, proposal)
    by_name = await Option.filter(id__in=list(proposed.option_ids)).order_by("name", "id").values("id")
    trial = Trial(
        calendar=calendar,
        proposed=proposed,
        options=tuple(row["id"] for row in by_name),
        shows_texts=present.keeps_texts or link.detail == EventDetail.FULL,
        since=proposal.since,
        until=proposal.until,
        stored=_rows_tell(calendar, present, proposed, proposal, timedelta(days=google_days)),
    )
    account = await GoogleAccount.get(id=calendar.account_id)
    if not trial.stored and account.state != GoogleAccountState.CONNECTED:
        return reconnect()
    return trial


async def _coming(calendar: GoogleCalendar) -> list[Routes]:
    """The links to the same Google calendar through accounts that are no use any more: linking brings them along."""
    same = GoogleCalendar.filter(business_id=calendar.business_id, google_id=calendar.google_id)
    found = [await routes(row["id"]) for row in await same.exclude(id=calendar.id).order_by("id").values("id")]
    return [each for each in found if each.links]


def _with(present: Routes, coming: Sequence[Routes], link: GoogleLink, proposal: Proposal) -> Routes:
    """The calendar's links as they would be."""
    rule = LinkRule(
        link.option_id,
        proposal.blocking,
        matchers(link.matchers) if proposal.matchers is None else proposal.matchers,
        AllDayEvents(link.all_day_events),
    )
    linked = [each for routed in (present, *coming) for each in routed.links if each.option_id != link.option_id]
    unrouted = proposal.unrouted_events or (coming[0] if coming else present).unrouted
    return replace(present, links=(*linked, rule), unrouted=unrouted)


def _rows_tell(
    calendar: GoogleCalendar, present: Routes, proposed: Routes, proposal: Proposal, ahead: timedelta
) -> bool:
    """Whether the rows hold every event of the window, with all that the rules look at.

    Without a token the calendar was not listed to its end, or was listed for other needs.
    """
    if calendar.sync_token is None or calendar.snapshot_at is None or calendar.query_version != present.version:
        return False
    if not present.keeps_texts or (proposed.reads_attendees and not present.reads_attendees):
        return False
    return proposal.since >= clock.now() - BACK and proposal.until <= calendar.snapshot_at + ahead - _MARGIN


async def from_rows(trial: Trial) -> RoutingPreview:
    """What the calendar's rows would block."""
    there = event.between(trial.calendar.id, trial.since, trial.until)
    return judged(trial, await there.order_by("starts_at", "id").limit(EVENTS_AT_MOST))


def query(trial: Trial) -> Mapping[str, str]:
    """What to ask Google for: a day more on both sides, because how it compares all-day events is not documented."""
    return {
        "singleEvents": "true",
        "orderBy": "startTime",
        "timeMin": _spelled(trial.since - _MARGIN),
        "timeMax": _spelled(trial.until + _MARGIN),
        "maxResults": str(EVENTS_AT_MOST),
        "maxAttendees": "100" if trial.proposed.reads_attendees else "1",
    }


async def from_page(trial: Trial, page: Page) -> RoutingPreview:
    """What the events that Google listed would block, but for our own."""
    calendar = trial.calendar
    ours = await mirrors.ours(calendar.business_id, calendar.google_id, page.items)
    zone = page.time_zone or calendar.time_zone
    read = (translate.foreign(each, zone) for each in page.items if each["id"] not in ours)
    within = (each for each in read if each and each.ends_at > trial.since and each.starts_at < trial.until)
    return judged(trial, sorted(within, key=lambda each: (each.starts_at, each.google_id)))


def refusal(failure: Failure) -> Refused:
    """Google could not be asked."""
    if failure.kind is FailureKind.RECONNECT:
        return reconnect()
    log.warning("a rule cannot be tried: %s: %s", failure.code, failure.message)
    return refused(ErrorCode.GOOGLE_UNAVAILABLE, SAYS[trouble.code_of(failure)], "input", "calendarId")


def reconnect() -> Refused:
    """The account's grant is dead."""
    message = "The Google account must be signed in again."
    return refused(ErrorCode.GOOGLE_RECONNECT_REQUIRED, message, "input", "optionId")


def judged(trial: Trial, events: Sequence[event.GoogleEvent] | Sequence[translate.GoogleOccurrence]) -> RoutingPreview:
    """Which options each event would block. Left out is what could block none of them, whomever it named. Pure."""
    rules, unrouted = trial.proposed.links, trial.proposed.unrouted
    named_all = [replace(rule, blocking=Blocking.ALL_EVENTS) for rule in rules]
    matched = [rule for rule in rules if rule.blocking is Blocking.MATCHED_EVENTS]
    shown, unclaimed = [], 0
    for each in events:
        if not blocked_options(each, named_all, unrouted):
            continue
        blocked = blocked_options(each, rules, unrouted)
        unclaimed += bool(matched) and not _claimed(each, matched)
        shown.append(
            RoutedEvent(
                title=each.title,
                hidden=each.private or not trial.shows_texts,
                starts_at=each.starts_at,
                ends_at=each.ends_at,
                blocks=tuple(one for one in trial.options if one in blocked),
            )
        )
    return RoutingPreview(tuple(shown), unclaimed)


def _claimed(one: Routable, matched: Collection[LinkRule]) -> bool:
    return any(names(one, rule.matchers) for rule in matched)


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
