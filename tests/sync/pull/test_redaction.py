"""Rules find in veiled events what they would find in open ones, and nobody else finds anything."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from models.enums import Blocking, EventDetail, MatcherField, UnroutedEvents
from models.google.event import GoogleEvent
from models.google.tables import GoogleCalendar, rotate
from models.storage.secrets import Secrets, new_secret_key
from sync.pull.block_rules import LinkRule, Matcher, blocked_options, matches
from sync.pull.redaction import Redaction, redacted
from sync.sandbox.faults import FaultKind
from sync.service import LinkChoices
from tests.sync.deadlines import patient
from tests.sync.google_event import EVENT
from tests.sync.pull.test_block_rules import ANNA as OPTION
from tests.sync.rows import SECRETS, tomorrow
from tests.sync.sandbox.sandbox_client import ANNA
from tests.sync.sync_stack import Floor, busy

VEIL = Redaction(SECRETS.veil)
TEXTS = st.lists(
    st.sampled_from(
        ["Anna", "ANNA", "Ann", "Room", "2", "-", "und", "Ünd", "ﬁt", "O’Brien", "o'brien", "अनु", "अनुराधा"]
    ),
    max_size=5,
).map(" ".join)
FIELDS = st.sampled_from(MatcherField)
GUESTS = st.lists(st.sampled_from(["anna@example.com", "ben@example.com"]), unique=True).map(tuple)


@patient
@given(
    TEXTS,
    TEXTS,
    TEXTS,
    GUESTS,
    FIELDS,
    TEXTS | st.sampled_from(["ben@example.com", "Anna@Example.com ", "ben\uff20example.com"]),
)
def test_a_rule_finds_the_same_behind_the_veil(
    title: str, description: str, location: str, guests: tuple[str, ...], field: MatcherField, value: str
) -> None:
    event = replace(
        EVENT,
        title=title or None,
        description=description or None,
        location=location or None,
        attendees=guests,
        color="5",
    )
    rule = LinkRule(OPTION, Blocking.MATCHED_EVENTS, (Matcher(field, value),))
    kept = json.loads(json.dumps(VEIL.event(event)))
    for unrouted in UnroutedEvents:
        behind = blocked_options(redacted(event, kept), [VEIL.rule(rule)], unrouted)
        assert behind == blocked_options(event, [rule], unrouted)


def test_no_word_shows_through_and_another_key_finds_nothing() -> None:
    event = replace(EVENT, title="Anna Secret", location="Anna", attendees=("anna@example.com",))
    kept = VEIL.event(event)
    assert not any(word in json.dumps(kept).casefold() for word in ("anna", "secret", "example"))
    assert kept["title"].split()[0] == kept["location"]
    other = Redaction(Secrets((new_secret_key(),)).veil)
    wanted = Matcher(MatcherField.TITLE, "Anna")
    assert matches(redacted(event, kept), VEIL.rule(LinkRule(OPTION, matchers=(wanted,))).matchers)
    assert not matches(redacted(event, kept), other.rule(LinkRule(OPTION, matchers=(wanted,))).matchers)


async def test_a_rule_that_is_changed_later_needs_no_listing_where_only_times_are_kept(floor: Floor) -> None:
    anna = await floor.linked_option(detail=EventDetail.BUSY_ONLY)
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Dentist, at last"))
    floor.sandbox.insert_event(ANNA, busy(tomorrow(10), tomorrow(11), summary="Lunch"))
    await floor.look()
    token = (await GoogleCalendar.get(google_id=ANNA)).sync_token
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, times=None, path="/events")
    for value, expected in (("dentist", [8]), ("at last", [8]), ("Lunch", [10]), ("last at", [])):
        choices = LinkChoices(
            blocking=Blocking.MATCHED_EVENTS,
            matchers=(Matcher(MatcherField.TITLE, value),),
            unrouted_events=UnroutedEvents.BLOCK_NONE,
        )
        await floor.door.link(floor.business_id, anna, ANNA, choices)
        await floor.settle()
        assert [begin.hour for begin, _ in await floor.blocked(anna)] == expected, value
    assert (await GoogleCalendar.get(google_id=ANNA)).sync_token == token
    assert await floor.titles() == ["None", "None"]


async def test_what_an_old_key_veiled_is_read_anew(floor: Floor) -> None:
    await floor.linked_option(detail=EventDetail.BUSY_ONLY)
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Dentist"))
    await floor.look()
    await rotate(SECRETS)
    await GoogleEvent.all().update(veiled={"title": "made with an old key"})
    await floor.look()
    (row,) = await GoogleEvent.all()
    assert row.veiled is not None
    assert row.veiled["title"] == SECRETS.veil("dentist")
