"""Apollo Client and urql, typed by the schema and compiled strictly, run every operation of the clients."""

import pytest

from tests.graph.connected_shop import Connected
from tests.graph.shop import Shop, at
from tests.node.programs import Programs
from tests.operations import operations


@pytest.mark.parametrize("client", ["apollo", "urql"])
async def test_a_client_runs_every_operation(town: Connected, programs: Programs, client: str) -> None:
    served = town.shop.served
    town.put(at("12:00", 2), at("13:00", 2), summary="Dentist")
    keys = [served.keys[role] for role in ("admin", "staff", "public")]
    status, said = await programs.run("built/story.js", client, f"{served.url}/graphql", *keys)
    assert status == 0, said
    assert said.split() == sorted(operations())


async def test_graphql_ws_reconnects_pings_completes_and_is_told_what_it_does_wrong(
    shop: Shop, programs: Programs
) -> None:
    served = shop.served
    status, said = await programs.run("built/sockets.js", f"{served.url}/graphql", served.keys["staff"])
    assert (status, len(said.split())) == (0, 6), said
