"""Redaction: replaces each word of an event's texts by a keyed hash, for links that store only busy times. Pure.

Equal words have equal hashes, and keep their order, so that matchers find the same in hashes as in the text, also after
they change. Without the server's key nobody can read the words, or try whether one is among them.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from models.enums import MatcherField
from models.normal_form import normal, words
from sync.pull.block_rules import LinkRule, Matcher, Routable

Hidden: TypeAlias = Mapping[str, Any]
"""The texts and guests of an event, as hashes; what the column `veiled` stores."""

_TEXTS = ("title", "description", "location")
_FIELDS = {MatcherField.TITLE, MatcherField.DESCRIPTION, MatcherField.LOCATION}


@dataclass(frozen=True, slots=True)
class Redaction:
    """Hashes events and matchers. `hide` computes a word's keyed hash, which has no space or sign in it."""

    hide: Callable[[str], str]

    def event(self, event: Routable) -> Hidden:
        """Returns the hashes to store of an event."""
        texts = {name: self._text(text) for name in _TEXTS if (text := getattr(event, name))}
        return {**texts, "attendees": sorted(self.hide(normal(each)) for each in event.attendees)}

    def rule(self, rule: LinkRule) -> LinkRule:
        """Hashes the matchers of a rule, so that it matches hashed events as the given one matches their texts."""
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
class RedactedEvent:
    """A stored event with hashes in place of its texts; `block_rules` reads it like any other."""

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


def redacted(row: Routable, hidden: Hidden) -> RedactedEvent:
    """Builds the event of a row with the hashes stored in it."""
    return RedactedEvent(
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
