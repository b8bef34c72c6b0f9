"""Previews rules: computes what a calendar's events would block if an option were linked by them. Writes nothing.

For a calendar that we follow with its texts it reads our rows. For any other, `sync.service` has the engine list the
window, and nothing of that is stored.
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
from sync.google_api.trouble import EXPLANATIONS
from sync.pull.block_rules import LinkRule, Matcher, Routable, blocked_options, matchers, matches
from sync.pull.routing import Routes, read_routes
from sync.pull.rows import BACK
from sync.push import mirrors

log = logging.getLogger("timebok.sync")

EVENTS_AT_MOST: Final = 1000
"""How many events a preview has at most, the earliest ones."""

SECONDS: Final = 5.0
"""How long a preview waits for Google."""

TOO_SLOW: Final = Failure(FailureKind.RETRY, "timeout", "Google did not answer in time.")

_MARGIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Rules for an option on a calendar of its account, and the window `[since, until)` to try them on.

    None stands for what the option's link (`matchers`) or the calendar (`unrouted_events`) has now.
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
    """An event with a length, and the options that it would block, by name. Clients see of a `hidden` one its time."""

    title: str | None
    hidden: bool
    starts_at: datetime
    ends_at: datetime
    blocks: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class RoutingPreview:
    """The events with a length, ordered by start. `unrouted` is how many of them no matcher matches."""

    events: tuple[RoutedEvent, ...]
    unrouted: int


@dataclass(frozen=True, slots=True)
class Trial:
    """A valid proposal with the calendar as it is now. `stored` means that our rows suffice; else we must ask Google.

    `options` are all linked options, ordered by name. `shows_texts` means that some link stores events in full.
    """

    calendar: GoogleCalendar
    proposed: Routes
    options: tuple[UUID, ...]
    shows_texts: bool
    since: datetime
    until: datetime
    stored: bool


async def begin(business_id: UUID, proposal: Proposal, google_days: int) -> Trial | Refused:
    """Validates a proposal. `google_days` is how many days ahead we follow calendars.

    Refuses: NOT_FOUND (optionId, calendarId), INVALID_INPUT (matchers), GOOGLE_NOT_CONNECTED, and
    GOOGLE_RECONNECT_REQUIRED when we would have to ask Google and the grant is dead.
    """
    if refusals := linking.validate(LinkChoices(matchers=proposal.matchers)):
        return Refused(refusals)
    if not await Option.filter(business_id=business_id, id=proposal.option_id).exists():
        return option.not_found()
    link = await GoogleLink.get_or_none(business_id=business_id, option_id=proposal.option_id)
    if link is None:
        message = "Sign in with Google for this option first."
        return refused(ErrorCode.GOOGLE_NOT_CONNECTED, message, "input", "optionId")
    if unnamed := linking.validate_rule(link, proposal.blocking, proposal.matchers):
        return Refused([unnamed])
    calendar = await linking.find_calendar(link, proposal.calendar_google_id)
    if calendar is None:
        return refused(ErrorCode.NOT_FOUND, "The Google account has no such calendar.", "input", "calendarId")
    present = await read_routes(calendar.id)
    proposed = _with(present, await _links_to_move(calendar), link, proposal)
    by_name = await Option.filter(id__in=list(proposed.option_ids)).order_by("name", "id").values("id")
    trial = Trial(
        calendar=calendar,
        proposed=proposed,
        options=tuple(row["id"] for row in by_name),
        shows_texts=present.keeps_texts or link.detail == EventDetail.FULL,
        since=proposal.since,
        until=proposal.until,
        stored=_rows_suffice(calendar, present, proposed, proposal, timedelta(days=google_days)),
    )
    account = await GoogleAccount.get(id=calendar.account_id)
    if not trial.stored and account.state != GoogleAccountState.CONNECTED:
        return linking.reconnect(account, "optionId")
    return trial


async def _links_to_move(calendar: GoogleCalendar) -> list[Routes]:
    """Returns the links to the same Google calendar through other accounts, which `link` would move to this one."""
    same = GoogleCalendar.filter(business_id=calendar.business_id, google_id=calendar.google_id)
    found = [await read_routes(row["id"]) for row in await same.exclude(id=calendar.id).order_by("id").values("id")]
    return [each for each in found if each.links]


def _with(present: Routes, coming: Sequence[Routes], link: GoogleLink, proposal: Proposal) -> Routes:
    """Returns the calendar's links as they would be with the proposal."""
    rule = LinkRule(
        link.option_id,
        proposal.blocking,
        matchers(link.matchers) if proposal.matchers is None else proposal.matchers,
        AllDayEvents(link.all_day_events),
    )
    linked = [each for routed in (present, *coming) for each in routed.links if each.option_id != link.option_id]
    unrouted = proposal.unrouted_events or (coming[0] if coming else present).unrouted
    return replace(present, links=(*linked, rule), unrouted=unrouted)


def _rows_suffice(
    calendar: GoogleCalendar, present: Routes, proposed: Routes, proposal: Proposal, ahead: timedelta
) -> bool:
    """Whether our rows have every event of the window, with all that the rules look at.

    Without a sync token we have not listed the calendar to its end, or need to list it anew.
    """
    if calendar.sync_token is None or calendar.snapshot_at is None or calendar.query_version != present.version:
        return False
    if not present.keeps_texts or (proposed.reads_attendees and not present.reads_attendees):
        return False
    return proposal.since >= clock.now() - BACK and proposal.until <= calendar.snapshot_at + ahead - _MARGIN


async def from_rows(trial: Trial) -> RoutingPreview:
    """Previews the calendar's rows."""
    rows = event.between(trial.calendar.id, trial.since, trial.until)
    return preview_of(trial, await rows.order_by("starts_at", "id").limit(EVENTS_AT_MOST))


def query(trial: Trial) -> Mapping[str, str]:
    """Returns the query for Google, a day wider on both sides: how it compares all-day events is not documented."""
    return {
        "singleEvents": "true",
        "orderBy": "startTime",
        "timeMin": _rfc3339(trial.since - _MARGIN),
        "timeMax": _rfc3339(trial.until + _MARGIN),
        "maxResults": str(EVENTS_AT_MOST),
        "maxAttendees": "100" if trial.proposed.reads_attendees else "1",
    }


async def from_page(trial: Trial, page: Page) -> RoutingPreview:
    """Previews the events that Google listed, without our own."""
    calendar = trial.calendar
    ours = await mirrors.mirrors_of(calendar.business_id, calendar.google_id, page.items)
    zone = page.time_zone or calendar.time_zone
    read = (translate.occurrence_of(each, zone) for each in page.items if each["id"] not in ours)
    within = (each for each in read if each and each.ends_at > trial.since and each.starts_at < trial.until)
    return preview_of(trial, sorted(within, key=lambda each: (each.starts_at, each.google_id)))


def refusal(failure: Failure) -> Refused:
    """Builds the refusal after a failure of Google."""
    if failure.kind is FailureKind.RECONNECT:
        return refused(
            ErrorCode.GOOGLE_RECONNECT_REQUIRED, "The Google account must be signed in again.", "input", "optionId"
        )
    log.warning("could not preview rules on a calendar: %s: %s", failure.code, failure.message)
    return refused(ErrorCode.GOOGLE_UNAVAILABLE, EXPLANATIONS[trouble.code_of(failure)], "input", "calendarId")


def preview_of(
    trial: Trial, events: Sequence[event.GoogleEvent] | Sequence[translate.GoogleOccurrence]
) -> RoutingPreview:
    """Returns which options each event would block; leaves out events that could block none by any rule. Pure."""
    rules, unrouted = trial.proposed.links, trial.proposed.unrouted
    named_all = [replace(rule, blocking=Blocking.ALL_EVENTS) for rule in rules]
    matched = [rule for rule in rules if rule.blocking is Blocking.MATCHED_EVENTS]
    shown, unclaimed = [], 0
    for each in events:
        if not blocked_options(each, named_all, unrouted):
            continue
        blocked = blocked_options(each, rules, unrouted)
        unclaimed += bool(matched) and not _matches_any(each, matched)
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


def _matches_any(one: Routable, matched: Collection[LinkRule]) -> bool:
    return any(matches(one, rule.matchers) for rule in matched)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
