"""Which slots are offered instead of one that cannot be had, and in which order."""

from datetime import timedelta
from uuid import UUID

from models.refusals import Alternative
from models.scheduling.availability import Agenda, Rules
from models.scheduling.intervals import Instant, run_all, to_datetime
from models.scheduling.offer import Offer, nearby
from tests.models.scheduling.test_availability import DAY, LONG_AGO, agenda, at, busy

HOUR = Rules(duration=60, step=60)
ANNA, BEN, CARL = (UUID(int=number) for number in range(3))


def nearest(start: str | Instant, wanted: UUID | None, **agendas: Agenda) -> list[Alternative]:
    """What is offered instead of a start."""
    names = {"anna": ANNA, "ben": BEN, "carl": CARL}
    of = {names[name]: each for name, each in agendas.items()}
    offer = Offer(HOUR, {each: {} for each in of}, of, LONG_AGO)
    return run_all(offer.nearest(at(start) if isinstance(start, str) else start, wanted))


def told(found: list[Alternative]) -> list[tuple[str, tuple[UUID, ...]]]:
    """When, in Oslo, and with whom."""
    return [(f"{to_datetime(each.start) + timedelta(hours=1):%d %H:%M}", each.options) for each in found]


def test_the_nearest_come_first_and_of_two_the_earlier() -> None:
    found = nearest("12:00", None, anna=agenda(busy("12:00", "13:00")))
    assert told(found) == [(f"15 {hour}:00", (ANNA,)) for hour in ("11", "13", "10", "14", "09")]
    assert all(each.end - each.start == at("13:00") - at("12:00") for each in found)


def test_the_same_start_with_others_comes_before_the_wanted_ones_and_those_before_others() -> None:
    found = nearest(
        "12:00",
        BEN,
        anna=agenda(busy("13:00", "14:00")),
        ben=agenda(busy("10:00", "13:00"), busy("14:00", "17:00")),
        carl=agenda(),
    )
    assert told(found) == [
        ("15 12:00", (ANNA, CARL)),
        # Of his own the nearest, however many of others are nearer; the wanted one first among those who are free.
        ("15 13:00", (BEN, CARL)),
        ("15 09:00", (BEN, ANNA, CARL)),
        ("14 16:00", (BEN, ANNA, CARL)),
        ("14 15:00", (BEN, ANNA, CARL)),
    ]


def test_what_is_a_week_away_is_near_either_way_and_no_further() -> None:
    week = at("12:00") - nearby(at("12:00")).start
    assert to_datetime(week) - to_datetime(0) == timedelta(days=7)
    assert nearby(at("12:00")).end == at("12:00") + week + 1
    taken = {"anna": agenda(busy(f"{DAY - timedelta(days=6)}T00:00+01:00", f"{DAY + timedelta(days=7)}T00:00+01:00"))}
    assert told(nearest("12:00", None, **taken)) == [
        ("08 16:00", (ANNA,)),
        ("08 15:00", (ANNA,)),
        ("22 09:00", (ANNA,)),
        ("08 14:00", (ANNA,)),
        ("22 10:00", (ANNA,)),
    ]
    last = {"anna": agenda(busy(f"{DAY - timedelta(days=30)}T00:00+01:00", f"{DAY + timedelta(days=7)}T12:00+01:00"))}
    assert told(nearest("12:00", None, **last)) == [("22 12:00", (ANNA,))]
