"""What rules find in an event of which only its time may be kept: its words, each behind a keyed hash. Pure.

Words that are equal stay equal, and stay in their order, so that a rule which is changed later finds the same as it
would have found in the text. Without the server's key nobody can tell the words, nor try whether one is there.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from models.enums import MatcherField
from models.normal_form import normal, words
from sync.pull.block_rules import LinkRule, Matcher, Routable

Hidden: TypeAlias = Mapping[str, Any]
"""The texts and guests of an event, veiled."""

_TEXTS = ("title", "description", "location")
_FIELDS = {MatcherField.TITLE, MatcherField.DESCRIPTION, MatcherField.LOCATION}


@dataclass(frozen=True, slots=True)
class Veil:
    """`hide` makes of a word what only the server's key makes of it; no space or sign is in what it makes."""

    hide: Callable[[str], str]

    def event(self, event: Routable) -> Hidden:
        """What is kept of an event."""
        texts = {name: self._text(text) for name in _TEXTS if (text := getattr(event, name))}
        return {**texts, "attendees": sorted(self.hide(normal(each)) for each in event.attendees)}

    def rule(self, rule: LinkRule) -> LinkRule:
        """A rule that finds in veiled events what the given one finds in open ones."""
        return replace(rule, matchers=tuple(map(self._matcher, rule.matchers)))

    def _matcher(self, matcher: Matcher) -> Matcher:
        if matcher.field in _FIELDS:
            return replace(matcher, value=self._text(matcher.value))
        if matcher.field is MatcherField.ATTENDEE:
            return replace(matcher, value=self.hide(normal(matcher.value)))
        return matcher

    def _text(self, text: str) -> str:
        return " ".join(map(self.hide, words(text)))


@dataclass(frozen=True, slots=True)
class Veiled:
    """A kept event as rules look at it."""

    starts_at: datetime
    ends_at: datetime
    all_day: bool
    busy: bool
    may_block: bool
    color: str | None
    title: str | None
    description: str | None
    location: str | None
    attendees: Collection[str]


def veiled(row: Routable, hidden: Hidden) -> Veiled:
    """The event of a row, with what was kept of its texts."""
    return Veiled(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        all_day=row.all_day,
        busy=row.busy,
        may_block=row.may_block,
        color=row.color,
        title=hidden.get("title"),
        description=hidden.get("description"),
        location=hidden.get("location"),
        attendees=hidden.get("attendees", ()),
    )
