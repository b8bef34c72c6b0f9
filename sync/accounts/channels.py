"""Push channels: Google notifies us that a calendar changed, so that we need not wait for the next pull.

This is the database half; the engine asks Google. Notifications are not signed and may get lost, or come twice, late or
forged, so a notification only makes a calendar due. We store a channel before we ask Google for it, because Google's
first notification may come before its answer.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from models import clock
from models.google.tables import GoogleCalendar, GoogleChannel
from models.log import notifier
from models.storage import secrets
from sync.google_api.replies import ChannelReply, Failure, FailureKind

LIFE = timedelta(days=7)
"""The life that we ask for, which is Google's own default; Google may grant less."""

_ASKED_AGAIN = {
    FailureKind.UNWATCHABLE: timedelta(days=7),
    FailureKind.MISCONFIGURED: timedelta(hours=1),
    FailureKind.PERMANENT: timedelta(days=1),
}
_UNCERTAIN = timedelta(minutes=5)

_RENEWED_AT = 0.8
_NO_DIGEST = secrets.digest("nobody")
"""The digest that `handle_notification` compares a token with when there is no such channel."""


async def claim(calendar_id: UUID, now: datetime) -> GoogleCalendar | None:
    """Claims a calendar that needs a channel, so that no other worker opens one for some minutes; else None."""
    due = GoogleCalendar.filter(Q(watch_due_at__isnull=True) | Q(watch_due_at__lte=now), id=calendar_id)
    return await GoogleCalendar.get(id=calendar_id) if await due.update(watch_due_at=now + _UNCERTAIN) else None


async def open_row(calendar: GoogleCalendar, now: datetime) -> tuple[UUID, str]:
    """Stores a channel that the engine will ask Google for. Returns its id and its secret."""
    token = secrets.new_token()
    channel = await GoogleChannel.create(
        business_id=calendar.business_id, calendar_id=calendar.id, token_digest=secrets.digest(token), created_at=now
    )
    return channel.id, token


async def store_opened(channel_id: UUID, calendar_id: UUID, reply: ChannelReply, now: datetime) -> bool:
    """Stores that Google opened the channel. Marks the older ones for stopping, makes a pull due for changes of the
    time before the channel, and plans its renewal well before it ends.

    Returns False when the channel was marked for stopping before Google answered, because of a newer one or because no
    option is linked any more.
    """
    expires_at = reply.expires_at or now + LIFE
    wanted = GoogleChannel.filter(id=channel_id, stopping=False)
    if not await wanted.update(resource_id=reply.resource_id, expires_at=expires_at):
        return False
    await GoogleChannel.filter(calendar_id=calendar_id).exclude(id=channel_id).update(stopping=True)
    renewed_at = now + (expires_at - now) * _RENEWED_AT
    await GoogleCalendar.filter(id=calendar_id).update(
        watch_due_at=renewed_at, watch_refused_until=None, pull_due_at=now
    )
    return True


async def store_refused(channel_id: UUID, calendar_id: UUID, failure: Failure, now: datetime) -> None:
    """Deletes a channel that Google did not open, and plans the next attempt. Polling goes on."""
    await GoogleChannel.filter(id=channel_id).delete()
    until = now + _ASKED_AGAIN.get(failure.kind, _UNCERTAIN)
    await GoogleCalendar.filter(id=calendar_id).update(watch_due_at=until, watch_refused_until=until)


async def is_live(calendar_id: UUID, now: datetime) -> bool:
    """Whether the calendar has an open push channel."""
    live = GoogleChannel.filter(calendar_id=calendar_id, stopping=False, expires_at__gt=now)
    return await live.exists()


async def to_stop(calendar_id: UUID) -> list[GoogleChannel]:
    """Returns the channels of a calendar that are marked for stopping."""
    return await GoogleChannel.filter(calendar_id=calendar_id, stopping=True)


async def forget(channel_id: UUID) -> None:
    """Deletes a channel's row, after it has stopped or when it will end by itself."""
    await GoogleChannel.filter(id=channel_id).delete()


async def handle_notification(headers: Mapping[str, str]) -> None:
    """Handles a notification: makes the calendar due if channel, token and resource are those of one of our channels.

    The case of header names does not matter. A wrong token costs the same steps as an unknown channel, so that nobody
    can tell them apart.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    channel = await _channel(lowered.get("x-goog-channel-id", ""))
    token_fits = secrets.same(
        channel.token_digest if channel else _NO_DIGEST, secrets.digest(lowered.get("x-goog-channel-token", ""))
    )
    # Google's first notification may come before the answer that has the resource.
    resource = channel.resource_id if channel else None
    resource_fits = secrets.same(resource or "", lowered.get("x-goog-resource-id", "") if resource else "")
    if channel is None or not token_fits or not resource_fits or channel.stopping:
        return
    now = clock.now()
    # A calendar that is due stays due, so a hundred notifications are one pull; one that is being pulled is due again.
    waiting = GoogleCalendar.filter(id=channel.calendar_id, pull_due_at__gt=now)
    if await waiting.update(pull_due_at=now):
        notifier.ring(channel.business_id)


async def _channel(id_text: str) -> GoogleChannel | None:
    try:
        return await GoogleChannel.get_or_none(id=UUID(id_text))
    except ValueError:
        return None
