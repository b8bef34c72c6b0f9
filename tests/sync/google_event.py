"""An event of somebody else's, to begin a test with: tests change of it what they are about."""

from datetime import UTC, datetime

from sync.google_api.translate import GoogleOccurrence

EVENT = GoogleOccurrence(
    google_id="e1",
    master_id=None,
    starts_at=datetime(2026, 12, 1, 8, tzinfo=UTC),
    ends_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
    all_day=False,
    title="Doctor",
    description=None,
    location=None,
    color=None,
    attendees=(),
    may_block=True,
    busy=True,
    private=False,
    html_link=None,
    etag=None,
)
