"""Push channels: Google tells us that a calendar changed, which saves waiting for the next look at it.

The database half; the engine asks Google. Notifications are not signed and may be lost, doubled, late or forged: all
they can do is make a calendar due. A channel's row is there before Google is asked for it, because Google's first
notification may come before its answer.
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
"""What we ask for, and Google's own default; Google may grant less."""

_ASKED_AGAIN = {
    FailureKind.UNWATCHABLE: timedelta(days=7),
    FailureKind.MISCONFIGURED: timedelta(hours=1),
    FailureKind.PERMANENT: timedelta(days=1),
}
_UNCERTAIN = timedelta(minutes=5)

_RENEWED_AT = 0.8
_NOBODY = secrets.digest("nobody")


async def claim(calendar_id: UUID, now: datetime) -> GoogleCalendar | None:
    """The calendar, if a channel is to be asked for now; nobody else is told so for some minutes."""
    due = GoogleCalendar.filter(Q(watch_due_at__isnull=True) | Q(watch_due_at__lte=now), id=calendar_id)
    return await GoogleCalendar.get(id=calendar_id) if await due.update(watch_due_at=now + _UNCERTAIN) else None


async def open_row(calendar: GoogleCalendar, now: datetime) -> tuple[UUID, str]:
    """Stores a channel that is about to be asked for; answers its id and its own secret."""
    token = secrets.new_token()
    channel = await GoogleChannel.create(
        business_id=calendar.business_id, calendar_id=calendar.id, token_digest=secrets.digest(token), created_at=now
    )
    return channel.id, token


async def opened(channel_id: UUID, calendar_id: UUID, reply: ChannelReply, now: datetime) -> bool:
    """Google opened the channel: the older ones may stop, and the calendar is looked at once more, for what happened
    before the channel was there. It is renewed well before it ends.

    False when it was given up before Google answered: another one has taken its place, or nobody listens any more.
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


async def refused(channel_id: UUID, calendar_id: UUID, failure: Failure, now: datetime) -> None:
    """Google did not open the channel; polling goes on, and it is asked again later."""
    await GoogleChannel.filter(id=channel_id).delete()
    until = now + _ASKED_AGAIN.get(failure.kind, _UNCERTAIN)
    await GoogleCalendar.filter(id=calendar_id).update(watch_due_at=until, watch_refused_until=until)


async def is_live(calendar_id: UUID, now: datetime) -> bool:
    """Whether Google will tell of changes by itself."""
    live = GoogleChannel.filter(calendar_id=calendar_id, stopping=False, expires_at__gt=now)
    return await live.exists()


async def to_stop(calendar_id: UUID) -> list[GoogleChannel]:
    """The channels that are no longer needed."""
    return await GoogleChannel.filter(calendar_id=calendar_id, stopping=True)


async def forget(channel_id: UUID) -> None:
    """The channel is stopped, or will end by itself."""
    await GoogleChannel.filter(id=channel_id).delete()


async def notice(headers: Mapping[str, str]) -> None:
    """Takes a notification: if channel, token and resource are one of ours, its calendar is due.

    Header names are compared without regard to case. Takes the same steps for a wrong token as for an unknown channel.
    """
    said = {name.lower(): value for name, value in headers.items()}
    channel = await _channel(said.get("x-goog-channel-id", ""))
    known = secrets.same(
        channel.token_digest if channel else _NOBODY, secrets.digest(said.get("x-goog-channel-token", ""))
    )
    # Google's first notification may come before its answer told us the resource.
    resource = channel.resource_id if channel else None
    right = secrets.same(resource or "", said.get("x-goog-resource-id", "") if resource else "")
    if channel is None or not known or not right or channel.stopping:
        return
    now = clock.now()
    # One that is due already stays so: a hundred notifications are one pull. One that is being pulled is due again.
    waiting = GoogleCalendar.filter(id=channel.calendar_id, pull_due_at__gt=now)
    if await waiting.update(pull_due_at=now):
        notifier.ring(channel.business_id)


async def _channel(id_text: str) -> GoogleChannel | None:
    try:
        return await GoogleChannel.get_or_none(id=UUID(id_text))
    except ValueError:
        return None
