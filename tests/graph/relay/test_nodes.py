"""`node` and `nodes`: every id that was ever given out finds its object again, for whoever may see it."""

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLInterfaceType

from tests.graph.connected_shop import Connected
from tests.graph.input.strange_values import schema
from tests.graph.shop import Shop, at, graphql_codes
from tests.served import answered


def ids(answer: Any) -> Iterator[str]:
    """Every id anywhere in an answer."""
    if isinstance(answer, dict):
        if isinstance(answer.get("id"), str):
            yield answer["id"]
        for value in answer.values():
            yield from ids(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from ids(value)


async def test_every_id_that_was_given_out_can_be_fetched_again(each_shop: Shop) -> None:
    shop = each_shop
    booking = (await shop.booked(at("10:00")))["booking"]["id"]
    cancelled = (await shop.booked(at("12:00")))["booking"]["id"]
    await shop.served.do("CancelBooking", "staff", input={"bookingId": cancelled})
    given = {*ids(await shop.served.ask("Home", "staff")), *ids(await shop.calendar()), cancelled}
    assert {shop.anna, shop.ben, shop.haircut, shop.colouring, booking, cancelled} < given

    found = {}
    for each in given:
        node = await shop.served.do("Refetch", "staff", id=each)
        assert node["id"] == each
        found[each] = node["__typename"]
    assert sorted(found.values()) == ["Booking", "Booking", "Business", "Option", "Option", "Service", "Service"]

    many = await shop.served.do("RefetchMany", "staff", ids=sorted(given))
    assert many == [{"__typename": found[each], "id": each} for each in sorted(given)]


async def test_whatever_is_a_node_goes_back_through_node(town: Connected) -> None:
    shop = town.shop
    await town.sign_in(shop.anna)
    cursor = await shop.cursor()
    await town.link(shop.anna)
    town.put(at("10:30"), at("11:15"), summary="Doctor's appointment")
    async with shop.served.following("CalendarChanges", "staff", after=cursor) as dashboard:
        while (await dashboard.next())["calendarChanges"]["action"] != "UPSERTED":
            pass
    await shop.booked(at("10:00"), optionId=shop.ben)
    await shop.served.do("Hold", "public", input={"serviceId": shop.haircut, "start": at("12:00")})
    away = {"optionId": shop.anna, "start": at("13:00"), "end": at("14:00")}
    assert (await shop.served.do("CreateTimeOff", "staff", input=away))["errors"] == []

    choices = await shop.served.ask("GoogleCalendarChoices", "admin", optionId=shop.anna)
    google = "google { id account { id calendars { id sharedWith { id } } } calendar { id } }"
    own = await shop.served.send(f"{{ options(first: 9) {{ nodes {{ id {google} }} }} }}", shop.served.keys["admin"])
    home = await shop.served.ask("Home", "staff")
    found = {}
    for each in {*ids(home), *ids(await shop.calendar()), *ids(choices), *ids(own.json())}:
        node = await shop.served.do("Refetch", "admin", id=each)
        assert node["id"] == each
        found[each] = node["__typename"]
    interface = schema().type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)
    assert set(found.values()) == {kind.name for kind in schema().get_possible_types(interface)}


async def test_a_node_is_shown_as_what_it_is(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00")))["booking"]
    assert await shop.served.do("Refetch", "staff", id=shop.anna) == {
        "__typename": "Option",
        "id": shop.anna,
        "name": "Anna",
    }
    assert (await shop.served.do("Refetch", "staff", id=shop.colouring))["name"] == "Colouring"
    assert (await shop.served.do("Refetch", "staff", id=booking["id"]))["reference"] == booking["reference"]
    document = "query($id: ID!) { node(id: $id) { ... on CalendarEntry { start end blocks options { name } } } }"
    answer = answered(await shop.served.send(document, shop.served.keys["staff"], {"id": booking["id"]}))
    options = [{"name": booking["option"]["name"]}]
    entry = {"start": at("10:00"), "end": at("11:00"), "blocks": True, "options": options}
    assert answer == {"data": {"node": entry}}


async def test_what_there_is_not_is_null_and_left_out(shop: Shop) -> None:
    for unknown in ("", "nonsense", "ø", shop.anna[:-2], shop.anna + "AA", "=" * 40, "x" * 5000):
        assert await shop.served.do("Refetch", "staff", id=unknown) is None, unknown
        assert await shop.served.do("RefetchMany", "staff", ids=[unknown, shop.anna]) == [
            {"__typename": "Option", "id": shop.anna}
        ]
    assert await shop.served.do("RefetchMany", "staff", ids=[]) == []


async def test_nodes_takes_a_hundred_ids_and_refuses_more(shop: Shop) -> None:
    many = [shop.anna, *(f"unknown {number}" for number in range(99))]
    assert len(await shop.served.do("RefetchMany", "staff", ids=many)) == 1
    answer = await shop.served.ask("RefetchMany", "staff", ids=[*many, shop.ben])
    assert graphql_codes(answer) == ["BAD_USER_INPUT"]


async def test_customers_find_what_is_on_offer_and_nothing_else(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00")))["booking"]["id"]
    offered = [shop.anna, shop.ben, shop.haircut, shop.colouring]
    assert await shop.served.do("Refetch", "public", id=booking) is None
    assert [each["id"] for each in await shop.served.do("RefetchMany", "public", ids=[*offered, booking])] == offered

    await shop.served.do("UpdateOption", "staff", input={"optionId": shop.ben, "active": False})
    await shop.served.do("UpdateService", "staff", input={"serviceId": shop.colouring, "active": False})
    visible = [shop.anna, shop.haircut]
    assert [each["id"] for each in await shop.served.do("RefetchMany", "public", ids=offered)] == visible
    assert [each["id"] for each in await shop.served.do("RefetchMany", "staff", ids=offered)] == offered
    for field, hidden in (("option", shop.ben), ("service", shop.colouring)):
        document = f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}"
        public = answered(await shop.served.send(document, shop.served.keys["public"], {"id": hidden}))
        staff = answered(await shop.served.send(document, shop.served.keys["staff"], {"id": hidden}))
        assert (public, staff) == ({"data": {field: None}}, {"data": {field: {"id": hidden}}})
