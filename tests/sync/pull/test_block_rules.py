"""Whom a Google event makes unavailable."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.enums import AllDayEvents, Blocking, MatcherField, UnroutedEvents
from models.normal_form import normal
from sync.google_api.translate import GoogleOccurrence
from sync.pull.block_rules import LinkRule, Matcher, blocked_options, matches
from tests.sync.deadlines import patient
from tests.sync.google_event import EVENT

ANNA, BEN, CAR = UUID(int=1), UUID(int=2), UUID(int=3)


def titled(word: str) -> tuple[Matcher, ...]:
    return (Matcher(MatcherField.TITLE, word),)


MATCHING_ANNA = LinkRule(ANNA, Blocking.MATCHED_EVENTS, titled("Anna"))
MATCHING_BEN = LinkRule(BEN, Blocking.MATCHED_EVENTS, titled("Ben"))

BOOLEANS = st.booleans()
WORDS = st.sampled_from(["Anna", "Ben", "Doctor", "Anna and Ben", ""])
EVENTS = st.builds(
    lambda title, all_day, busy, may_block, empty: replace(
        EVENT,
        title=title or None,
        all_day=all_day,
        busy=busy and may_block,
        may_block=may_block,
        ends_at=EVENT.starts_at if empty else EVENT.ends_at,
    ),
    WORDS,
    BOOLEANS,
    BOOLEANS,
    BOOLEANS,
    BOOLEANS,
)
LINKS = st.lists(
    st.builds(
        LinkRule,
        option_id=st.uuids(),
        blocking=st.sampled_from(Blocking),
        matchers=st.sampled_from(["Anna", "Ben"]).map(titled),
        all_day_events=st.sampled_from(AllDayEvents),
    ),
    max_size=5,
    unique_by=lambda link: link.option_id,
)


@patient
@given(EVENTS, LINKS, st.sampled_from(UnroutedEvents))
def test_the_rules_hold_for_every_event_and_every_set_of_links(
    event: GoogleOccurrence, links: list[LinkRule], unrouted: UnroutedEvents
) -> None:
    blocked = blocked_options(event, links, unrouted)
    for link in links:
        if link.option_id not in blocked:
            continue
        assert link.blocking is not Blocking.NO_EVENTS
        assert event.may_block
        assert event.starts_at < event.ends_at
        assert event.busy or (event.all_day and link.all_day_events is AllDayEvents.ALWAYS_BLOCK)
    if event.busy and not event.all_day and event.starts_at < event.ends_at:
        assert {link.option_id for link in links if link.blocking is Blocking.ALL_EVENTS} <= blocked


@patient
@given(EVENTS, LINKS, st.sampled_from(UnroutedEvents))
def test_the_order_of_the_links_means_nothing(
    event: GoogleOccurrence, links: list[LinkRule], unrouted: UnroutedEvents
) -> None:
    assert blocked_options(event, links, unrouted) == blocked_options(event, links[::-1], unrouted)


@patient
@given(EVENTS, LINKS)
def test_an_event_that_names_somebody_is_blind_to_what_unrouted_ones_do(
    event: GoogleOccurrence, links: list[LinkRule]
) -> None:
    named = any(link.blocking is Blocking.MATCHED_EVENTS and matches(event, link.matchers) for link in links)
    all_of_them = blocked_options(event, links, UnroutedEvents.BLOCK_ALL)
    none_of_them = blocked_options(event, links, UnroutedEvents.BLOCK_NONE)
    assert none_of_them <= all_of_them
    if named:
        assert none_of_them == all_of_them


def test_the_doctors_appointment_blocks_everybody_on_the_calendar_by_default() -> None:
    links = [LinkRule(ANNA), LinkRule(BEN), LinkRule(CAR)]
    assert blocked_options(EVENT, links, UnroutedEvents.BLOCK_ALL) == {ANNA, BEN, CAR}


def test_a_matched_event_blocks_only_those_it_names_and_it_may_name_several() -> None:
    links = [MATCHING_ANNA, MATCHING_BEN]
    for title, blocked in [("Anna: doctor", {ANNA}), ("Anna and Ben: lunch", {ANNA, BEN})]:
        assert blocked_options(replace(EVENT, title=title), links, UnroutedEvents.BLOCK_ALL) == blocked


@pytest.mark.parametrize(
    ("unrouted", "blocked"),
    [(UnroutedEvents.BLOCK_ALL, {ANNA, BEN, CAR}), (UnroutedEvents.BLOCK_NONE, {CAR})],
)
def test_what_nobody_claims_follows_the_calendar(unrouted: UnroutedEvents, blocked: set[UUID]) -> None:
    assert blocked_options(EVENT, [MATCHING_ANNA, MATCHING_BEN, LinkRule(CAR)], unrouted) == blocked


@pytest.mark.parametrize(
    ("rule", "busy", "blocks"),
    [
        (AllDayEvents.AS_MARKED, True, True),
        (AllDayEvents.AS_MARKED, False, False),
        (AllDayEvents.ALWAYS_BLOCK, True, True),
        (AllDayEvents.ALWAYS_BLOCK, False, True),
        (AllDayEvents.NEVER_BLOCK, True, False),
        (AllDayEvents.NEVER_BLOCK, False, False),
    ],
)
def test_an_all_day_event_follows_the_links_rule(rule: AllDayEvents, busy: bool, blocks: bool) -> None:
    event = replace(EVENT, all_day=True, busy=busy)
    link = LinkRule(ANNA, all_day_events=rule)
    assert blocked_options(event, [link], UnroutedEvents.BLOCK_ALL) == ({ANNA} if blocks else set())


def test_a_birthday_never_blocks_not_even_where_all_day_events_always_do() -> None:
    event = replace(EVENT, all_day=True, busy=False, may_block=False)
    link = LinkRule(ANNA, all_day_events=AllDayEvents.ALWAYS_BLOCK)
    assert blocked_options(event, [link], UnroutedEvents.BLOCK_ALL) == set()


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("Anna: doctor", "anna", True),
        ("Annabel: doctor", "Anna", False),
        ("JoAnna", "Anna", False),
        ("lunch (ANNA)", "Anna", True),
        ("lunch #anna", "#Anna", True),
        ("lunch anna", "#anna", False),
        ("[Anna] lunch", "[anna]", True),
        ("Anna  Berg, lunch", "anna berg", True),
        ("Berg Anna", "anna berg", False),
        ("STRASSE", "straße", True),
        ("Ågot", "A\u030agot", True),
        ("room 12", "room 1", False),
        ("lunch with O’Brien", "o'brien", True),
        ("Anna\u00a0Berg‑Ødegård", "anna berg-ødegård", True),
        ("An\u00adna", "Anna", True),
        ("Møte (Oslo)", "(oslo)", True),
        ("Nordmann, Kari: klipp", "nordmann, kari", True),
        ("अनुराधा: बैठक", "अनु", False),
        ("अनु: बैठक", "अनु", True),
        ("x\u0301", "x", False),
        ("👩‍🚀", "👩", False),
        ("anything", "\u200b\u00ad", False),
        ("anything", "", False),
        ("anything", "  ", False),
        (None, "anna", False),
    ],
)
def test_a_text_is_searched_for_whole_words(text: str | None, value: str, found: bool) -> None:
    silent = replace(EVENT, title=None)
    for field, event in (
        (MatcherField.TITLE, replace(silent, title=text)),
        (MatcherField.DESCRIPTION, replace(silent, description=text)),
        (MatcherField.LOCATION, replace(silent, location=text)),
    ):
        assert matches(event, [Matcher(field, value)]) is found


def test_an_attendee_and_a_colour_must_be_equal() -> None:
    event = replace(EVENT, attendees=("anna@example.com",), color="5")
    assert matches(event, [Matcher(MatcherField.ATTENDEE, " Anna@Example.com")])
    assert matches(event, [Matcher(MatcherField.ATTENDEE, "anna\uff20example.com")])
    assert matches(
        replace(event, attendees=("A\u030asa@example.com",)), [Matcher(MatcherField.ATTENDEE, "åsa@example.com")]
    )
    assert not matches(event, [Matcher(MatcherField.ATTENDEE, "na@example.com")])
    assert matches(event, [Matcher(MatcherField.COLOR, "5")])
    assert not matches(replace(event, color=None), [Matcher(MatcherField.COLOR, "")])


@patient
@given(st.text(min_size=1).filter(normal))
def test_a_text_names_whoever_bears_it_whole(text: str) -> None:
    assert matches(replace(EVENT, title=f"x {text} y"), titled(text))
