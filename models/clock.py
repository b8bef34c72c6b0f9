"""The one reader of the wall clock. Everything else is handed the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)
