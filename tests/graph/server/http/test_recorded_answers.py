"""Every request by HTTP, ordinary or odd, is answered to the letter as it was when its answer was recorded.

The answers were recorded when known documents and new ones took two paths. Delete the file to have it written anew,
and read what changed.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.graph.server.http.odd_requests import JSON, ODD, RESPONSE, STREAM, lasting
from tests.graph.shop import furnish
from tests.served import serving
from tests.stage import Stage

RECORDED = Path(__file__).parent / "recorded_answers.json"

EITHER = f"{STREAM}, {RESPONSE}, {JSON};q=0.5"
SENDERS: tuple[tuple[str | None, str, str | None], ...] = (
    ("staff", "en", JSON),
    ("staff", "en", RESPONSE),
    ("staff", "nb", EITHER),
    (None, "nb", JSON),
)
"""Who sends, in which language, and what is accepted."""


def _by_lines(found: dict[str, dict[str, Any]]) -> str:
    """The answers as JSON, one in a line."""
    parts = []
    for name, answers in found.items():
        lines = [f"{json.dumps(sender)}: {json.dumps(each, ensure_ascii=False)}" for sender, each in answers.items()]
        parts.append(f"{json.dumps(name)}: {{\n  " + ",\n  ".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


async def test_every_request_is_answered_as_it_was(our_stage: Stage, sqlite_url: str) -> None:
    found: dict[str, dict[str, Any]] = {}
    async with serving(our_stage, sqlite_url, key_requests=0, key_cost=0) as served:
        await furnish(served)
        for name, sent in ODD.items():
            answers = found[name] = {}
            for role, language, accept in SENDERS:
                sender = f"{role}, {language}, {accept}"
                key = served.keys[role] if role else None
                answer = await sent.to(served, key, accept, language)
                is_stream = answer.headers["content-type"] == STREAM
                assert is_stream or answer.headers["cache-control"] == "no-store"
                answers[sender] = lasting(answer)
    if not RECORDED.exists():
        RECORDED.write_text(_by_lines(found), encoding="utf-8")
        pytest.fail("recorded anew")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert [*found] == [*recorded]
    for name, answers in found.items():
        for sender, answer in answers.items():
            assert answer == recorded[name][sender], f"{name}, {sender}"
