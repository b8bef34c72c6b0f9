"""/readyz: anybody may ask, as often as they like; the database is asked once for all of them."""

import asyncio
from unittest.mock import Mock

import pytest
from starlette.requests import Request

from graph.server import routes

pytestmark = pytest.mark.usefixtures("database")

ASKED = Request({"type": "http", "method": "GET", "path": "/readyz", "headers": []})


async def test_those_who_ask_at_once_share_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    reachable = Mock(wraps=routes._is_reachable)
    monkeypatch.setattr(routes, "_is_reachable", reachable)
    readiness = routes._Readiness()
    for times in (1, 2):
        answers = await asyncio.gather(*(readiness.answer(ASKED) for _ in range(50)))
        assert {each.status_code for each in answers} == {200}
        assert reachable.call_count == times


async def test_who_hangs_up_takes_the_answer_from_nobody() -> None:
    readiness = routes._Readiness()
    first, second = (asyncio.ensure_future(readiness.answer(ASKED)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).status_code == 200
