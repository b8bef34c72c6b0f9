"""Ranges are counted in dates, whatever clocks do: in the zone that was asked for, else in the business's."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.graph.shop import OSLO, Shop, graphql_codes

CALENDAR = "query($from: DateTime!, $to: DateTime!) { calendar(from: $from, to: $to) { cursor } }"
YEAR = datetime.now(UTC).year + 1
AUTUMN, SPRING = date(YEAR, 10, 1), date(YEAR + 1, 3, 1)
"""In 62 dates after each, the clocks of Oslo change."""


def midnight(day: date, zone: ZoneInfo = OSLO, minute: int = 0) -> str:
    return (datetime.combine(day, time(), zone) + timedelta(minutes=minute)).isoformat()


def dates(first: date, count: int, minute: int = 0, zone: ZoneInfo = OSLO) -> dict[str, str]:
    return {"from": midnight(first, zone), "to": midnight(first + timedelta(days=count), zone, minute)}


async def told(shop: Shop, **window: Any) -> tuple[list[str], list[str]]:
    """The codes with which `availability` and `calendar` refuse a window."""
    availability = await shop.served.ask("Availability", "staff", serviceId=shop.haircut, **window)
    plain = {name: window[name] for name in ("from", "to")}
    calendar = (await shop.served.send(CALENDAR, shop.served.keys["staff"], plain)).json()
    return graphql_codes(availability), graphql_codes(calendar)


async def test_62_dates_fit_whatever_the_clocks_do_and_not_a_minute_more(shop: Shop) -> None:
    for first in (AUTUMN, SPRING):
        assert await told(shop, **dates(first, 62)) == ([], [])
        assert await told(shop, **dates(first, 62, minute=1)) == (["BAD_USER_INPUT"], ["BAD_USER_INPUT"])
        assert await told(shop, **dates(first, 63)) == (["BAD_USER_INPUT"], ["BAD_USER_INPUT"])


async def test_what_is_wrong_with_a_range_is_said(shop: Shop) -> None:
    order, length = "`to` must be after `from`.", "`to` may be at most 62 days after `from`."
    for count, said in ((0, order), (-63, order), (63, length)):
        for name, more in (("Availability", {"serviceId": shop.haircut}), ("Calendar", {})):
            answer = await shop.served.ask(name, "staff", **dates(AUTUMN, count), **more)
            assert [each["message"] for each in answer["errors"]] == [said], name


async def test_the_zone_that_was_asked_for_counts(shop: Shop) -> None:
    # 62 dates of Oslo over the autumn change are an hour more than 62 days of Lagos, which changes no clock.
    window = dates(AUTUMN, 62)
    assert (await told(shop, timeZone="Africa/Lagos", **window))[0] == ["BAD_USER_INPUT"]
    assert (await told(shop, timeZone="Europe/Paris", **window))[0] == []


async def test_time_off_lasts_a_year_at_most_a_leap_year_and_the_clocks_included(shop: Shop) -> None:
    leap = YEAR + -YEAR % 4
    # Summer time in one year, winter time in the next.
    first = date(leap - 1, 10, 31 - (date(leap - 1, 10, 31).weekday() + 1) % 7)

    async def off(days: int, minute: int = 0) -> list[tuple[str, str]]:
        wanted = {
            "optionId": shop.anna,
            "start": midnight(first),
            "end": midnight(first + timedelta(days=days), OSLO, minute),
        }
        payload = await shop.served.do("CreateTimeOff", "staff", input=wanted)
        return [(each["code"], ".".join(each["path"])) for each in payload["errors"]]

    assert await off(366) == []
    assert await off(366, minute=1) == [("INVALID_INPUT", "input.end")]
    assert await off(367) == [("INVALID_INPUT", "input.end")]
