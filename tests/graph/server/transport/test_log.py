"""What a stranger makes uvicorn log: a line a minute, with a count, however many requests cannot be read."""

import logging

import pytest

from graph.server.transport import log
from tests.graph.server.raw_http import line, status_in
from tests.served import Served

BAD = {
    b"nonsense\r\n\r\n": "Invalid HTTP request received.",
    b"GET /healthz HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n": "Unsupported upgrade request.",
}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that stands still until a test moves it."""
    time = [0.0]
    monkeypatch.setattr(log.RARE, "_clock", lambda: time[0])
    monkeypatch.setattr(log.RARE, "_seen", {})
    return time


@pytest.mark.parametrize("sent", BAD)
async def test_many_bad_requests_are_one_line_and_then_one_with_a_count(
    studio: Served, caplog: pytest.LogCaptureFixture, now: list[float], sent: bytes
) -> None:
    for _ in range(20):
        async with line(studio.url) as stranger:
            await stranger.send(sent)
            assert status_in(await stranger.until(b"\r\n")) in (400, 200)
    assert caplog.messages == [BAD[sent]]
    now[0] += log.SECONDS
    log.RARE.report()
    assert caplog.messages == [BAD[sent], f"{BAD[sent]} (18 more since the last line)"]
    now[0] += log.SECONDS
    log.RARE.report()
    log.RARE.report()
    assert len(caplog.messages) == 2
    assert log.RARE._seen == {}


def test_errors_are_all_logged(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        logging.getLogger("uvicorn.error").error("A fault of ours")
    assert caplog.messages == ["A fault of ours"] * 3
