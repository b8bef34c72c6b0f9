"""/metrics: whoever asks too often for what operators watch is shown the same text again."""

from unittest.mock import Mock

import pytest
from prometheus_client import generate_latest

from graph.server import routes
from tests.served import Served


async def test_under_a_flood_what_operators_watch_is_made_once_a_second_at_most(
    studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Mock(wraps=generate_latest)
    monkeypatch.setattr(routes, "generate_latest", made)
    for _ in range(routes.METRICS_PER_MINUTE * 5):
        shown = await studio.http.get(f"{studio.url}/metrics")
        assert (shown.status_code, "timebok_subscribers" in shown.text) == (200, True)
    assert made.call_count < routes.METRICS_PER_MINUTE * 3
