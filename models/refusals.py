"""Refusals: why Timebok does not do what a client asked for, as values instead of exceptions. Pure.

A verb returns its result or a `Refused`; with `Refused` it has written nothing. The graph turns refusals into the
errors of a payload.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class ErrorCode(StrEnum):
    """The codes of all refusals. An answer with several errors lists them in this order."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    STALE_VERSION = "STALE_VERSION"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    SLOT_TAKEN = "SLOT_TAKEN"
    OUTSIDE_OPENING_HOURS = "OUTSIDE_OPENING_HOURS"
    NOT_ON_SLOT_GRID = "NOT_ON_SLOT_GRID"
    IN_THE_PAST = "IN_THE_PAST"
    TOO_SHORT_NOTICE = "TOO_SHORT_NOTICE"
    BEYOND_HORIZON = "BEYOND_HORIZON"
    SERVICE_NOT_OFFERED = "SERVICE_NOT_OFFERED"
    INACTIVE = "INACTIVE"
    HOLD_EXPIRED = "HOLD_EXPIRED"
    TOO_MANY_HOLDS = "TOO_MANY_HOLDS"
    ALREADY_CANCELLED = "ALREADY_CANCELLED"
    NOT_CHANGEABLE = "NOT_CHANGEABLE"
    UNKNOWN_PLACEHOLDER = "UNKNOWN_PLACEHOLDER"
    GOOGLE_NOT_CONNECTED = "GOOGLE_NOT_CONNECTED"
    GOOGLE_RECONNECT_REQUIRED = "GOOGLE_RECONNECT_REQUIRED"
    GOOGLE_CALENDAR_READ_ONLY = "GOOGLE_CALENDAR_READ_ONLY"
    GOOGLE_UNAVAILABLE = "GOOGLE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason. `path` leads to the input field, from "input" on. `message` is English with `{name}` slots, which
    `values` fill: so the graph can translate it first.
    """

    code: ErrorCode
    message: str
    path: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The message in English, with its slots filled."""
        return self.message.format(**self.values)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A free slot nearby, with the options that are free then, the wanted one first. `start` and `end` are instants of
    `models.scheduling.intervals`: microseconds since 1970.
    """

    start: int
    end: int
    options: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """What a verb returns instead of its result: the reasons, and slots that the client could take instead."""

    reasons: Sequence[Refusal]
    alternatives: Sequence[Alternative] = ()


def refused(code: ErrorCode, message: str, *path: str, **values: Any) -> Refused:
    """Builds a `Refused` with one reason."""
    return Refused((Refusal(code, message, path, values),))
