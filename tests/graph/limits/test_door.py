"""Every request to the endpoint is counted at the door, whatever it is: also one that could not be answered."""

from itertools import cycle

import httpx2
import pytest

from graph.limits.door import WITHOUT_KEY
from tests.served import Served, serving
from tests.stage import Stage

KINDS = (("PUT", b"{}"), ("DELETE", b""), ("POST", b"no JSON"), ("POST", b"[]"), ("PATCH", b""))


async def send(served: Served, method: str, body: bytes, key: str | None) -> httpx2.Response:
    """Sends what is no GraphQL request."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    return await served.http.request(method, f"{served.url}/graphql", content=body, headers=headers)


async def test_who_shows_no_key_is_counted_for_what_is_no_request_too(studio: Served) -> None:
    statuses: list[int] = []
    for method, body in cycle(KINDS):
        statuses.append((await send(studio, method, body, None)).status_code)
        assert len(statuses) < 10 * WITHOUT_KEY
        if statuses[-1] == 429:
            break
    assert len(statuses) > WITHOUT_KEY
    assert set(statuses[:-1]) == {400, 405}


@pytest.mark.parametrize(("method", "body"), KINDS)
async def test_a_key_is_counted_for_what_is_no_request_too(
    our_stage: Stage, sqlite_url: str, method: str, body: bytes
) -> None:
    async with serving(our_stage, sqlite_url, key_requests=3) as served:
        answers = [await send(served, method, body, served.keys["staff"]) for _ in range(8)]
        assert answers[0].status_code in (400, 405)
        assert answers[-1].status_code == 429
        assert answers[-1].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
