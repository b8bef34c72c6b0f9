"""What people type is kept without the space around it; what cannot be seen is nothing."""

from typing import Any

import pytest

from models import checks
from models.bookings.booking import Booking
from models.catalog.option import Option
from models.catalog.time_off import TimeOff
from tests.graph.connected_shop import Connected
from tests.graph.shop import KARI, Shop, at, located

UNSEEN = ("", " ", "\u200b", "\u00ad\u200d", "\u2800", "\u3164", "\u00a0\ufeff")


@pytest.mark.parametrize("nothing", UNSEEN)
def test_what_cannot_be_seen_is_nothing(nothing: str) -> None:
    assert checks.tidy(nothing) is None
    assert checks.tidy(f"{nothing}a b{nothing.strip()}") is not None


class Counted(str):
    """A text that counts how often it is trimmed."""

    passes = 0

    def strip(self, chars: str | None = None, /) -> "Counted":
        type(self).passes += 1
        return type(self)(super().strip(chars))


@pytest.mark.parametrize("around", ["\u200b ", "\ufeff\u3000", " \u2060\n"])
def test_a_text_is_trimmed_in_one_pass_whatever_is_around_it(around: str) -> None:
    Counted.passes = 0
    assert checks.tidy(Counted(around * 100 + "a b" + around * 100)) == "a b"
    assert Counted.passes <= 1
    assert checks.tidy(around * 100) is None


def test_every_space_is_trimmed() -> None:
    spaces = [chr(each) for each in range(0x110000) if chr(each).isspace()]
    assert [each for each in spaces if checks.tidy(f"{each}a{each}") != "a"] == []


@pytest.mark.parametrize(
    "number",
    ["+47 22 33 44 55", "112", "(022) 33-44/55.66#7", "22 33 44 ext 5", "22\u00a033\u00a044", "22‑33‑44 EXT. 5"],
)
def test_a_telephone_number_is_taken_as_people_write_it(number: str) -> None:
    assert checks.phone(number) is None


@pytest.mark.parametrize("number", ["abc", "12", "+", "ext", "22 33 44 x", "0" * 41, "12\n3a"])
def test_what_nobody_could_dial_is_no_telephone_number(number: str) -> None:
    assert checks.phone(number) is not None


async def customer(shop: Shop, made: Any) -> Any:
    """Whom a booking is for, as staff see it."""
    (entry,) = [each for each in (await shop.calendar())["entries"] if each["id"] == made["booking"]["id"]]
    return entry["customer"]


async def test_a_booking_keeps_texts_trimmed_and_blank_ones_not_at_all(shop: Shop) -> None:
    typed = {"name": " Kari Nordmann\u200b ", "email": " kari@example.no\n", "phone": " 22 33 44 55 "}
    made = await shop.booked(at("10:00"), customer=typed)
    assert await customer(shop, made) == {"name": "Kari Nordmann", "email": "kari@example.no", "phone": "22 33 44 55"}
    for nothing, clock in zip(UNSEEN[:4], ("11:00", "12:00", "13:00", "14:00"), strict=True):
        blank = {"name": "Kari", "email": nothing, "phone": nothing}
        made = await shop.booked(at(clock), customer=blank, note=nothing)
        assert await customer(shop, made) == {"name": "Kari", "email": None, "phone": None}
        change = {"bookingId": made["booking"]["id"], "customer": {"name": f" {nothing}"}}
        payload = await shop.served.do("UpdateBooking", "staff", input=change)
        assert located(payload) == [("INVALID_INPUT", "input.customer.name")]


async def test_whatever_people_type_is_kept_trimmed(shop: Shop) -> None:
    do = shop.served.do
    typed = {"name": " Room\u200b ", "description": "\u200b \nLarge ", "color": " #1a73e8 "}
    made = (await do("CreateOption", "staff", input={"kind": "ROOM", **typed}))["option"]
    kept = await Option.get(business_id=shop.served.business_id, name="Room").values("description", "color")
    assert (made["name"], kept) == ("Room", {"description": "Large", "color": "#1a73e8"})
    away = {"optionId": shop.ben, "start": at("09:00", 1), "end": at("10:00", 1), "reason": " Dentist "}
    assert (await do("CreateTimeOff", "staff", input=away))["errors"] == []
    assert (await TimeOff.get()).reason == "Dentist"
    booking = (await shop.booked(at("10:00"), note=" Window seat\n"))["booking"]["id"]
    assert (await Booking.get()).note == "Window seat"
    for email in (" kari@example.no ", "\u200bkari@example.no\n"):
        change = {"bookingId": booking, "note": " Door ", "customer": {"name": "Kari ", "email": email}}
        assert (await do("UpdateBooking", "staff", input=change))["errors"] == []
        answer = await do(
            "Bookings", "staff", first=10, filter={"customerEmail": email, "query": f" {KARI['name'][:4]} "}
        )
        assert len(answer["edges"]) == 1
    assert (await Booking.get()).note == "Door"
    assert (await do("CancelBooking", "staff", input={"bookingId": booking, "reason": " ill "}))["errors"] == []
    assert (await Booking.get()).cancel_reason == "ill"


async def test_what_is_typed_as_a_rule_is_kept_trimmed(town: Connected) -> None:
    await town.sign_in(town.shop.anna)
    matchers = [{"field": "TITLE", "value": " Anna\u200b "}]
    linked = await town.link(town.shop.anna, blocking="MATCHED_EVENTS", matchers=matchers)
    assert linked["matchers"] == [{"field": "TITLE", "value": "Anna"}]


@pytest.mark.parametrize("nothing", UNSEEN)
async def test_a_name_that_cannot_be_seen_is_refused_everywhere(shop: Shop, nothing: str) -> None:
    served = shop.served
    wanted: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("CreateOption", {"kind": "ROOM", "name": nothing}, "input.name"),
        ("UpdateOption", {"optionId": shop.anna, "name": nothing}, "input.name"),
        ("CreateService", {"durationMinutes": 60, "name": nothing}, "input.name"),
        ("UpdateService", {"serviceId": shop.haircut, "name": nothing}, "input.name"),
        (
            "Book",
            {"serviceId": shop.haircut, "start": at("10:00"), "customer": {"name": nothing}},
            "input.customer.name",
        ),
    )
    for operation, given, path in wanted:
        assert located(await served.do(operation, "staff", input=given)) == [("INVALID_INPUT", path)], operation


async def test_a_telephone_number_is_judged_only_when_it_is_sent(shop: Shop) -> None:
    wrong = await shop.book(at("10:00"), customer={**KARI, "phone": "abc"})
    assert located(wrong) == [("INVALID_INPUT", "input.customer.phone")]
    made = await shop.booked(at("10:00"))
    change = {"bookingId": made["booking"]["id"], "note": "x", "customer": {"name": "Ola"}}
    assert (await shop.served.do("UpdateBooking", "staff", input=change))["errors"] == []


async def test_a_blank_filter_narrows_nothing(shop: Shop) -> None:
    await shop.booked(at("10:00"))
    for blank in ("", " ", "\u200b"):
        answer = await shop.served.do("Bookings", "staff", first=10, filter={"customerEmail": blank, "query": blank})
        assert len(answer["edges"]) == 1


class Unread(str):
    """A text at which only its length may be looked."""

    def strip(self, chars: str | None = None, /) -> str:
        del chars
        raise AssertionError("a text that is too long is not trimmed")


def test_the_length_of_a_text_is_judged_first() -> None:
    refused = [
        checks.text(Unread("a" * 11), "note", longest=10, required=True),
        checks.name(Unread("a" * 201), "name"),
        checks.phone(Unread("1" * 41), "phone"),
        checks.email(Unread("a" * 160 + "@" + "a" * 160), "email"),
    ]
    assert None not in refused


async def test_a_text_longer_than_any_is_refused_before_it_is_trimmed(shop: Shop) -> None:
    assert isinstance(checks.tidy(Unread(" " * 5001)), Unread)
    long, booking = " " * 5000 + "x", (await shop.booked(at("10:00")))["booking"]["id"]
    away = {"optionId": shop.ben, "start": at("09:00", 1), "end": at("10:00", 1)}
    wanted: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("CreateOption", {"kind": "ROOM", "name": long}, "input.name"),
        ("CreateOption", {"kind": "ROOM", "name": "Room", "description": long}, "input.description"),
        ("CreateOption", {"kind": "ROOM", "name": "Room", "color": long}, "input.color"),
        ("UpdateService", {"serviceId": shop.haircut, "description": long}, "input.description"),
        ("UpdateBooking", {"bookingId": booking, "note": long}, "input.note"),
        ("UpdateBooking", {"bookingId": booking, "customer": {"name": long}}, "input.customer.name"),
        ("UpdateBooking", {"bookingId": booking, "customer": {"name": "x", "email": long}}, "input.customer.email"),
        ("UpdateBooking", {"bookingId": booking, "customer": {"name": "x", "phone": long}}, "input.customer.phone"),
        ("CancelBooking", {"bookingId": booking, "reason": long}, "input.reason"),
        ("CreateTimeOff", {**away, "reason": long}, "input.reason"),
    )
    for operation, given, path in wanted:
        assert located(await shop.served.do(operation, "staff", input=given)) == [("INVALID_INPUT", path)], path


async def test_a_filter_longer_than_any_word_of_ours_is_refused_before_it_is_read(shop: Shop) -> None:
    # Alternating accents take the square of their number to be put in order.
    for name, most, text in (("customerEmail", 320, "a"), ("query", 1000, "\u0301\u0327")):
        wanted = (text * most)[:most]
        answer = await shop.served.do("Bookings", "staff", first=10, filter={name: wanted})
        assert answer["edges"] == []
        response = await shop.served.http.post(
            f"{shop.served.url}/graphql",
            json={
                "query": "query($f: BookingFilter) { bookings(filter: $f) { totalCount } }",
                "variables": {"f": {name: wanted + text[0]}},
            },
            headers={"Authorization": f"Bearer {shop.served.keys['staff']}", "Accept-Language": "nb"},
        )
        (error,) = response.json()["errors"]
        assert error["message"] == f"`{name}` har høyst {most} tegn; {most + 1} ble sendt."
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
