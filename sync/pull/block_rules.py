"""Decides which options a Google event blocks, by the rules of their links. Pure.

One event may block several options of a shared calendar, or none. Callers leave out our own mirrors, which block
nobody.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from models.enums import AllDayEvents, Blocking, MatcherField, UnroutedEvents
from models.normal_form import normal, words


class Routable(Protocol):
    """The fields of an event that decide whom it blocks. `GoogleOccurrence` has them, and so has a stored event."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def all_day(self) -> bool: ...
    @property
    def busy(self) -> bool: ...
    @property
    def may_block(self) -> bool: ...
    @property
    def title(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...
    @property
    def location(self) -> str | None: ...
    @property
    def color(self) -> str | None: ...
    @property
    def attendees(self) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class Matcher:
    """One way in which an event can name an option: `value` in this field."""

    field: MatcherField
    value: str


def matchers(stored: Iterable[Mapping[str, str]]) -> tuple[Matcher, ...]:
    """Builds a link's matchers from what its row stores."""
    return tuple(Matcher(MatcherField(each["field"]), each["value"]) for each in stored)


@dataclass(frozen=True, slots=True)
class LinkRule:
    """The rules of one option's link to the event's calendar."""

    option_id: UUID
    blocking: Blocking = Blocking.ALL_EVENTS
    matchers: tuple[Matcher, ...] = ()
    all_day_events: AllDayEvents = AllDayEvents.AS_MARKED


def blocked_options(event: Routable, links: Collection[LinkRule], unrouted: UnroutedEvents) -> frozenset[UUID]:
    """Returns the options that the event blocks: those that it concerns and whose rules let it block.

    It concerns every ALL_EVENTS link, and those MATCHED_EVENTS links whose matchers match it. When it matches none of
    them, `unrouted` decides whether it concerns them all. An event without length blocks nobody.
    """
    if event.starts_at >= event.ends_at or not event.may_block:
        return frozenset()
    routed = [link for link in links if link.blocking is Blocking.MATCHED_EVENTS]
    named = [link for link in routed if matches(event, link.matchers)]
    if not named and unrouted is UnroutedEvents.BLOCK_ALL:
        named = routed
    concerned = [link for link in links if link.blocking is Blocking.ALL_EVENTS] + named
    return frozenset(link.option_id for link in concerned if _blocks(event, link.all_day_events))


def matches(event: Routable, matchers: Iterable[Matcher]) -> bool:
    """Whether any of the matchers matches the event."""
    return any(_matches(event, matcher) for matcher in matchers)


def _blocks(event: Routable, all_day_events: AllDayEvents) -> bool:
    if not event.all_day or all_day_events is AllDayEvents.AS_MARKED:
        return event.busy
    return all_day_events is AllDayEvents.ALWAYS_BLOCK


def _matches(event: Routable, matcher: Matcher) -> bool:
    """Whether a matcher matches: "Ann" does not match Anna in a text; attendee and colour must be equal."""
    match matcher.field:
        case MatcherField.TITLE:
            return _mentions(event.title, matcher.value)
        case MatcherField.DESCRIPTION:
            return _mentions(event.description, matcher.value)
        case MatcherField.LOCATION:
            return _mentions(event.location, matcher.value)
        case MatcherField.ATTENDEE:
            wanted = normal(matcher.value)
            return any(normal(each) == wanted for each in event.attendees)
        case MatcherField.COLOR:
            return matcher.value.strip() == event.color


def _mentions(text: str | None, value: str) -> bool:
    """Whether the text has the value's words and signs, in their order and next to each other."""
    wanted, present = words(value), words(text or "")
    last = len(present) - len(wanted)
    return bool(wanted) and any(present[at : at + len(wanted)] == wanted for at in range(last + 1))
