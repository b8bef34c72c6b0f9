"""Page tokens and sync tokens: opaque to clients, a position in a calendar's versions to us. Pure."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TypeVar

from sync.sandbox.errors import invalid

Key = list[str | int]
"""Where a row stands in the order of its list."""


@dataclass(frozen=True, slots=True)
class SyncToken:
    """`version`: all changes up to here were handed out. One account, calendar and query shape (§1.1)."""

    account: str
    calendar: str
    epoch: int
    version: int
    shape: str


@dataclass(frozen=True, slots=True)
class PageToken:
    """`after`: the key of the last row handed out; `snapshot`: the version the first page was read at."""

    calendar: str
    query: str
    snapshot: int
    after: Key


Token = TypeVar("Token", SyncToken, PageToken)


def encode(token: SyncToken | PageToken) -> str:
    return urlsafe_b64encode(json.dumps(asdict(token)).encode()).decode().rstrip("=")


def decode(kind: type[Token], text: str, parameter: str) -> Token:
    """Read a token of ours; a 400 that names the parameter if it is none."""
    try:
        return kind(**json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))))
    except (ValueError, TypeError):
        raise invalid("Invalid token value.", parameter) from None


def digest(items: list[tuple[str, str]]) -> str:
    """What must stay the same from request to request, as a short word."""
    return sha256(json.dumps(sorted(items)).encode()).hexdigest()[:16]
