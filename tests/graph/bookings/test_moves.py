"""Customers move one booking so often an hour and no more; its history shows the newest entries."""

from typing import Any

from graph.relay.nodes import from_id
from models import clock
from models.bookings.booking import HOUR, LONGEST_HISTORY, MOST_MOVES, BookingHistory
from tests.graph.shop import Shop, at, codes, graphql_codes
from tests.operations import operations

TIMES = [at(f"{hour:02}:00") for hour in (10, 11)]


async def move(shop: Shop, made: Any, number: int, role: str = "public", **more: Any) -> Any:
    """Moves a booking to one of two times: the answer as it is."""
    wanted = {
        "bookingId": made["booking"]["id"],
        "manageToken": made["manageToken"],
        "start": TIMES[number % 2],
        **more,
    }
    key = shop.served.keys[role]
    return (await shop.served.send(operations()["Move"], key, {"input": wanted})).json()


def payload(answer: Any) -> Any:
    """What was moved; fails where a request was refused."""
    assert "errors" not in answer, answer
    return answer["data"]["rescheduleBooking"]


async def moved_out(shop: Shop) -> Any:
    """A booking that was moved as often as it may."""
    made = await shop.booked(TIMES[0], optionId=shop.anna)
    for number in range(1, MOST_MOVES + 1):
        assert codes(payload(await move(shop, made, number))) == []
    return made


async def test_customers_move_a_booking_so_often_and_no_more(each_shop: Shop) -> None:
    shop = each_shop
    made = await moved_out(shop)
    stands = await shop.cursor()
    for _ in range(3):
        answer = await move(shop, made, 1, idempotencyKey="k")
        assert graphql_codes(answer) == ["RATE_LIMITED"]
        assert 3500 < answer["errors"][0]["extensions"]["retryAfterSeconds"] <= 3600
        assert answer["data"] == {"rescheduleBooking": None}
    assert await shop.cursor() == stands
    assert len(await shop.history(made["booking"]["id"])) == 1 + MOST_MOVES
    # Another booking has its own moves, and staff move this one as they like.
    other = await shop.booked(at("14:00"), optionId=shop.ben)
    assert codes(payload(await move(shop, other, 0))) == []
    for number in (1, 2):
        assert codes(payload(await move(shop, made, number, "staff"))) == []
    assert graphql_codes(await move(shop, made, 1)) == ["RATE_LIMITED"]
    # An hour after the first of them it can be moved once more; what came too early was not remembered.
    (first,) = (
        await BookingHistory.filter(booking__customer_name="Kari Nordmann", action="RESCHEDULED")
        .order_by("id")
        .limit(1)
    )
    await BookingHistory.filter(id=first.id).update(at=clock.now() - HOUR)
    assert codes(payload(await move(shop, made, 1, idempotencyKey="k"))) == []
    assert graphql_codes(await move(shop, made, 2)) == ["RATE_LIMITED"]
    # What was answered once is answered again.
    assert codes(payload(await move(shop, made, 1, idempotencyKey="k"))) == []


async def test_moves_by_staff_and_refused_ones_are_not_counted(shop: Shop) -> None:
    made = await shop.booked(TIMES[0], optionId=shop.anna)
    for number in range(1, MOST_MOVES + 3):
        assert codes(payload(await move(shop, made, number, "staff"))) == []
    taken = await shop.booked(at("14:00"), optionId=shop.anna)
    for _ in range(MOST_MOVES + 2):
        assert codes(payload(await move(shop, made, 0, start=at("14:00")))) == ["SLOT_TAKEN"]
        # To where it is already.
        assert codes(payload(await move(shop, taken, 0, start=at("14:00")))) == []
    assert codes(payload(await move(shop, made, MOST_MOVES + 3))) == []


async def test_a_history_shows_its_newest_entries_however_long_it_is(each_shop: Shop) -> None:
    shop = each_shop
    long, short = [(await shop.booked(start, optionId=shop.anna))["booking"]["id"] for start in TIMES]
    for booking in (long, short):
        note = {"bookingId": booking, "note": "First"}
        assert (await shop.served.do("UpdateBooking", "staff", input=note))["errors"] == []
    decoded = from_id(long)
    assert decoded
    more: dict[str, Any] = {"business_id": shop.served.business_id, "booking_id": decoded[1], "at": clock.now()}
    for number in range(LONGEST_HISTORY + 50):
        await BookingHistory.create(**more, actor=f"{number}", action="UPDATED")
    document = "{ bookings(first: 10) { nodes { id history { actor } } } }"
    answer = (await shop.served.send(document, shop.served.keys["staff"])).json()
    shown = {each["id"]: [entry["actor"] for entry in each["history"]] for each in answer["data"]["bookings"]["nodes"]}
    assert shown[long] == [f"{number}" for number in range(50, LONGEST_HISTORY + 50)]
    assert len(shown[short]) == 2
