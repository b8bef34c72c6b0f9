"""Push channels: who is told when a calendar changes, and the telling itself.

Owns the open channels and the requests to their addresses. Carries no content: a notification only says that
something changed (§4.2).
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import urlsplit

import aiohttp

from sync.sandbox.errors import channel_id_not_unique, invalid, not_found, required, webhook_not_https
from sync.sandbox.events.moments import Resource
from sync.sandbox.faults import FaultKind, Faults

TTL_SECONDS = 604_800
TTL_SECONDS_MAX = 2_592_000
"""Google's own maximum is not known (§4.1); nobody may rely on getting what was asked."""

EARLY_SYNC_SECONDS = 2.0
ANSWER_SECONDS = 10.0
TRIES = 4
RETRIED = (500, 502, 503, 504)
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")


@dataclass(slots=True)
class Channel:
    """One account's wish to hear of one calendar. `number`: of the last message."""

    id: str
    email: str
    client_id: str
    calendar_id: str
    address: str
    token: str | None
    resource_id: str
    resource_uri: str
    expires_at: datetime
    number: int = 0
    queue: asyncio.Lock = field(default_factory=asyncio.Lock)

    def resource(self) -> Resource:
        answer = {
            "kind": "api#channel",
            "id": self.id,
            "resourceId": self.resource_id,
            "resourceUri": self.resource_uri,
            "expiration": str(int(self.expires_at.timestamp() * 1000)),
        }
        return answer | ({"token": self.token} if self.token is not None else {})


class Channels:
    """The open channels. `retry_seconds`: the first wait after an answer that is worth another try (§4.5)."""

    def __init__(self, now: Callable[[], datetime], faults: Faults, retry_seconds: float = 1.0) -> None:
        self.now = now
        self.faults = faults
        self.retry_seconds = retry_seconds
        self._open: dict[str, Channel] = {}
        self._used: set[str] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def watch(self, body: Resource, *, email: str, client_id: str, calendar_id: str, uri: str) -> Channel:
        """Open a channel; its `sync` message is sent before the answer is, as may happen (§4.3)."""
        channel_id, address, token = _checked(body)
        if channel_id in self._used:
            raise channel_id_not_unique(channel_id)
        self._used.add(channel_id)
        resource = sha256(f"{email} {calendar_id}".encode()).hexdigest()[:27]
        channel = Channel(
            channel_id,
            email,
            client_id,
            calendar_id,
            address,
            token,
            resource,
            uri,
            self.now() + timedelta(seconds=self._seconds(body)),
        )
        self._open[channel_id] = channel
        await asyncio.wait([self._tell(channel, "sync")], timeout=EARLY_SYNC_SECONDS)
        return channel

    def stop(self, body: Resource, *, email: str, client_id: str) -> None:
        """Close a channel: only who opened it may, with the same client; 404 if there is none such (§4.8)."""
        channel = self._open.get(str(body.get("id")))
        if channel is None or self._is_over(channel):
            raise not_found()
        if (channel.resource_id, channel.email, channel.client_id) != (body.get("resourceId"), email, client_id):
            raise not_found()
        del self._open[channel.id]

    def open(self, calendar_id: str) -> list[Channel]:
        """The live channels of a calendar."""
        self._open = {key: channel for key, channel in self._open.items() if not self._is_over(channel)}
        return [channel for channel in self._open.values() if channel.calendar_id == calendar_id]

    def ring(self, calendar_id: str) -> None:
        """Tell every channel of the calendar that it changed. Needs a running loop if there are any."""
        for channel in self.open(calendar_id):
            if self.faults.take(frozenset({FaultKind.LOSE_NOTIFICATION}), path=calendar_id):
                channel.number += 1
                continue
            self._tell(channel, "exists")
            if self.faults.take(frozenset({FaultKind.DOUBLE_NOTIFICATION}), path=calendar_id):
                self._tell(channel, "exists")

    async def settled(self) -> None:
        """Wait until every notification so far was delivered or given up."""
        while self._telling:
            await asyncio.wait(set(self._telling))

    async def close(self) -> None:
        """Drop what is still under way."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _seconds(self, body: Resource) -> int:
        """How long the channel lives: the most restrictive of what was asked and what is allowed (§4.1)."""
        seconds = TTL_SECONDS
        try:
            if body.get("expiration") is not None:
                until = int(body["expiration"]) / 1000
                seconds = int(until - self.now().timestamp())
            elif isinstance(body.get("params"), dict) and "ttl" in body["params"]:
                seconds = int(body["params"]["ttl"])
        except ValueError:
            raise invalid("Invalid expiration.") from None
        if seconds <= 0:
            raise invalid("The expiration lies in the past.")
        return min(seconds, TTL_SECONDS_MAX)

    def _is_over(self, channel: Channel) -> bool:
        return channel.expires_at <= self.now()

    def _tell(self, channel: Channel, state: str) -> asyncio.Task[None]:
        # Numbers rise but are not sequential (§4.2); the first one is 1.
        channel.number += 1 if channel.number == 0 else 1 + secrets.randbelow(5)
        task = asyncio.create_task(self._deliver(channel, state, channel.number))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return task

    async def _deliver(self, channel: Channel, state: str, number: int) -> None:
        headers = {
            "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
            "Content-Type": "application/json; utf-8",
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Expiration": format_datetime(channel.expires_at, usegmt=True),
            "X-Goog-Message-Number": str(number),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-State": state,
            "X-Goog-Resource-URI": channel.resource_uri,
        }
        if channel.token is not None:
            headers["X-Goog-Channel-Token"] = channel.token
        async with channel.queue:
            for attempt in range(TRIES):
                if not await self._post(channel.address, headers):
                    return
                await asyncio.sleep(self.retry_seconds * 2**attempt)

    async def _post(self, address: str, headers: dict[str, str]) -> bool:
        """Send one notification. True if the answer asks for another try (§4.5)."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._session.post(address, headers=headers, data=b"", allow_redirects=False) as answer:
                return answer.status in RETRIED
        except (aiohttp.ClientError, TimeoutError):
            return False


def _checked(body: Resource) -> tuple[str, str, str | None]:
    """Id, address and token of a request to watch."""
    channel_id, address, token = body.get("id"), body.get("address"), body.get("token")
    if not isinstance(channel_id, str) or not channel_id:
        raise required("entity.id")
    if not _ID.fullmatch(channel_id):
        raise invalid("Invalid channel id.")
    if body.get("type") not in ("web_hook", "webhook"):
        raise required("entity.type")
    if not isinstance(address, str) or not address:
        raise required("entity.address")
    parts = urlsplit(address)
    # Google takes https only (§4.6); on this machine there is no certificate to ask for.
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise webhook_not_https(address)
    if token is not None and (not isinstance(token, str) or len(token) > 256):
        raise invalid("Invalid channel token.")
    return channel_id, address, token
