"""Keys: what needs one, what a wrong one gets, and what revoking does at once."""

from typing import Any

from graphql import get_introspection_query

from models import api_key
from models.enums import Role
from tests.graph.shop import Shop, at
from tests.graph.socket_client import close_code
from tests.operations import operations
from tests.served import Served


def assert_unauthenticated(response: Any) -> None:
    """Fails unless a response is the one for requests without a valid key."""
    assert response.status_code == 401
    body = response.json()
    assert [error["extensions"]["code"] for error in body["errors"]] == ["UNAUTHENTICATED"]
    assert body.get("data") is None


async def test_without_a_valid_key_nothing_is_answered(studio: Served) -> None:
    right = studio.keys["staff"]
    for wrong in (None, "nonsense", right[:-1], right + "x", right.swapcase()):
        for document in (operations()["Home"], operations()["Services"], "{ viewer { role } }", "{ nonsense }"):
            assert_unauthenticated(await studio.send(document, wrong))
    for header in ("", "Bearer", f"Basic {right}", right, f"Bearer {right} {right}"):
        response = await studio.http.post(
            f"{studio.url}/graphql", json={"query": "{ viewer { role } }"}, headers={"Authorization": header}
        )
        assert_unauthenticated(response)


async def test_a_key_says_whose_it_is_and_what_it_may_do(studio: Served) -> None:
    other = await studio.another("elsewhere")
    for served, slug in ((studio, "studio"), (other, "elsewhere")):
        for role in ("admin", "staff", "public"):
            viewer = (await served.ask("Home", role))["data"]["viewer"]
            assert viewer["role"] == role.upper()
            business = {"name": slug.capitalize(), "slug": slug, "timeZone": "Europe/Oslo"}
            assert viewer["business"] == {"id": viewer["business"]["id"], **business}


async def test_the_schema_can_be_read_without_a_key_and_nothing_beside_it(studio: Served) -> None:
    for document in (
        get_introspection_query(descriptions=True),
        "{ __typename }",
        '{ __type(name: "Booking") { name fields { name description } } }',
        "query Q { ...F } fragment F on Query { __schema { queryType { name } } }",
        "mutation { __typename }",
    ):
        response = await studio.send(document, None)
        assert response.status_code == 200, document
        assert "errors" not in response.json(), document
    for document in (
        "{ __typename viewer { role } }",
        "{ __schema { queryType { name } } viewer { role } }",
        "{ ...F } fragment F on Query { viewer { role } }",
        "{ ... on Query { viewer { role } } }",
        "{ __typename: viewer { role } }",
        "query A { __typename } query B { viewer { role } }",
        "{",
        "",
    ):
        response = await studio.send(document, None)
        assert response.status_code in (400, 401), document
        assert "STAFF" not in response.text


async def test_a_revoked_key_ends_at_once_on_http_and_on_open_sockets(each_shop: Shop) -> None:
    shop = each_shop
    key_id, plain = await api_key.create(shop.served.business_id, Role.STAFF, "a lost laptop")
    lost = type(shop.served)(shop.served.url, shop.served.business_id, {"staff": plain}, shop.served.http)
    assert (await lost.send("{ viewer { role } }", plain)).status_code == 200

    cursor = await shop.cursor()
    async with (
        lost.following("CalendarChanges", "staff", after=cursor) as stream,
        lost.following("CalendarChanges", "staff") as waiting,
        lost.socket(plain) as idle,
        shop.served.following("CalendarChanges", "staff", after=cursor) as other,
    ):
        await shop.booked(at("10:00"))
        await stream.next()
        assert await api_key.revoke(key_id)
        for socket in (stream.socket, waiting.socket, idle):
            assert await close_code(socket) == 4403
        assert_unauthenticated(await lost.send("{ viewer { role } }", plain))

        # Another key of the same role goes on.
        await shop.booked(at("12:00"))
        starts = [(await other.next())["calendarChanges"]["entry"]["start"] for _ in range(2)]
        assert starts == [at("10:00"), at("12:00")]
    async with lost.socket(plain) as socket:
        assert await close_code(socket) == 4403


async def test_a_key_is_revoked_once_and_for_good(studio: Served) -> None:
    key_id, plain = await api_key.create(studio.business_id, Role.PUBLIC, "an old app")
    assert (await studio.send("{ viewer { role } }", plain)).status_code == 200
    await api_key.revoke(key_id)
    await api_key.revoke(key_id)
    assert_unauthenticated(await studio.send("{ viewer { role } }", plain))
    assert (await studio.send("{ viewer { role } }", studio.keys["public"])).status_code == 200
