"""When to come back is never said too early, and never is it now."""

import pytest

from graph.limits.answers import (
    LONGEST_REASON,
    TOO_MANY_OPEN,
    TOO_MANY_REQUESTS,
    close_reason,
    rate_limited,
)
from graph.server.http.media_types import JSON
from graph.server.http.status import retry_after, status_of


@pytest.mark.parametrize(
    ("wait", "seconds", "header"),
    [(1e-9, 0.1, 1), (0.04, 0.1, 1), (0.11, 0.2, 1), (1, 1.0, 1), (1.01, 1.1, 2), (59.94, 60.0, 60)],
)
def test_a_wait_is_rounded_up(wait: float, seconds: float, header: int) -> None:
    error = rate_limited(TOO_MANY_REQUESTS, wait, "en")
    assert error.extensions == {"code": "RATE_LIMITED", "retryAfterSeconds": seconds}
    assert retry_after(429, [error]) == header
    assert status_of(None, [error], JSON) == status_of({"a": None}, [error], JSON) == 429
    # Where a part of a document was done, it is an answer like any other.
    assert status_of({"a": None, "b": 1}, [error], JSON) == 200
    assert retry_after(200, [error]) is None


@pytest.mark.parametrize("language", ["en", "nb"])
def test_the_reason_of_a_close_fits_into_its_frame(language: str) -> None:
    reason = close_reason(rate_limited(TOO_MANY_OPEN, 10, language))
    assert 20 < len(reason.encode()) <= LONGEST_REASON
    assert reason.endswith("10 s.")
