"""How many sockets and event streams a key may have open at once, and that they end with it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from graph.server.live.hub import StoppingError
from graph.server.live.member import Member
from models import api_key
from models.enums import Role
from models.log import notifier
from tests.graph.socket_client import acknowledged, close_code
from tests.live.events import streaming
from tests.served import Served, serving
from tests.stage import PATIENCE, Stage


@pytest.fixture
async def narrow(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Served]:
    """A server on which a key may have two."""
    async with serving(our_stage, sqlite_url, key_sockets=2) as served:
        yield served


async def refused(served: Served) -> list[str]:
    """The codes with which one more stream is refused; none when it is not."""
    async with streaming(served, "staff", "{ __typename }") as stream:
        return [code for event in await stream.rest() for code in event.codes]


async def test_a_key_has_so_many_sockets_and_streams_and_no_more(
    narrow: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with narrow.socket(narrow.keys["staff"]) as first, streaming(narrow, "staff") as second:
        await acknowledged(first)
        assert second.response.status_code == 200
        async with narrow.socket(narrow.keys["staff"]) as third:
            await acknowledged(third)
            assert await close_code(third) == 4429
        assert await refused(narrow) == ["RATE_LIMITED"]
        # One that is in stays in, and is told what it does wrong.
        await first.send('{"type": "connection_init"}')
        assert await close_code(first) == 4429
        assert caplog.text == ""
        # Another key has its own.
        async with narrow.socket(narrow.keys["public"]) as other:
            await acknowledged(other)
            await other.send('{"type": "ping"}')
    async with asyncio.timeout(PATIENCE):
        # What was closed counts no more, as soon as the server has noticed.
        while await refused(narrow):
            pass


async def test_an_idle_socket_ends_with_its_key_though_nobody_here_was_told(narrow: Served) -> None:
    key_id, plain = await api_key.create(narrow.business_id, Role.STAFF, "an old dashboard")
    async with narrow.socket(plain) as socket:
        await acknowledged(socket)
        async with notifier.open_notifier("memory://"):
            # Rings another process's bell: nobody here hears it.
            await api_key.revoke(key_id)
        assert await close_code(socket) == 4403


async def test_whoever_waits_hears_that_it_is_parted() -> None:
    member, never = Member(None), asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(member.until_done(never))
    await asyncio.sleep(0)
    member.part(StoppingError())
    for told in (waiting, member.until_done(never)):
        with pytest.raises(StoppingError):
            async with asyncio.timeout(PATIENCE):
                await told
    never.cancel()
