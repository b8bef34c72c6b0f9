"""The public audit of GraphQL over HTTP, run in Node against a running server: no MUST and no SHOULD is missed."""

from tests.node.programs import Programs
from tests.served import Served


async def test_the_audit_finds_no_must_and_no_should_that_is_not_met(studio: Served, programs: Programs) -> None:
    status, said = await programs.run("audit.mjs", f"{studio.url}/graphql", studio.keys["staff"])
    assert status == 0, said
    # It did look at something.
    assert int(said.rsplit("\n", 2)[-2].split(" audits")[0]) > 50, said


async def test_the_audit_fails_on_what_is_no_graphql(studio: Served, programs: Programs) -> None:
    status, said = await programs.run("audit.mjs", f"{studio.url}/healthz", studio.keys["staff"])
    assert (status, "22EB" in said) == (1, True), said
