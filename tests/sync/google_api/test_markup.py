"""Descriptions are HTML in Google: what they say is read, and what we say stays text."""

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bookings.booking import Booking
from models.enums import Blocking, Drift, EventDetail, MatcherField, UnroutedEvents
from sync.google_api import markup
from sync.push.drift import drift_of
from sync.push.machine import DESCRIPTION_LENGTH
from sync.service import Matcher
from tests.sync.deadlines import patient
from tests.sync.push.test_machine import rendered
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import WORKSHOP
from tests.sync.sync_stack import Floor, busy

SAYS_ANNA = [
    "Anna Berg",
    "Anna&nbsp;Berg",
    "<b>Anna</b> Berg",
    "<p>Anna<br>Berg</p>",
    "An<i>na</i> <SPAN style='color:red'>Berg</SPAN>",
    "&#65;nna &#x42;erg",
    "<ul><li>Anna</li><li>Berg</li></ul>",
    "<!-- Carl -->Anna<hr/>Berg",
    "<script>Carl</script>Anna Berg",
    "a < b, Anna Berg & co",
]
SAYS_NO_ANNA = ['<a href="https://example.com/Anna Berg">here</a>', "<img alt='Anna Berg'>", "<!-- Anna Berg -->", ""]


@pytest.mark.parametrize("description", SAYS_ANNA)
def test_what_a_description_says_is_read_out_of_its_markup(description: str) -> None:
    assert "Anna Berg" in " ".join(markup.text_of(description).split())
    assert "Carl" not in markup.text_of(description)


@pytest.mark.parametrize("description", SAYS_NO_ANNA)
def test_attributes_and_comments_say_nothing(description: str) -> None:
    assert "Anna" not in markup.text_of(description)


@patient
@given(st.text(max_size=200))
def test_whatever_is_written_as_text_is_read_back_as_it_was(text: str) -> None:
    plain = " ".join(text.replace("\x00", "").split())
    assert markup.text_of(markup.html_of(plain, 10_000)) == plain.strip()


@patient
@given(st.text(alphabet="<>&ab;", max_size=80), st.integers(0, 60))
def test_a_text_is_not_cut_in_the_middle_of_an_entity(text: str, longest: int) -> None:
    written = markup.html_of(text, longest)
    assert len(written) <= longest
    assert text.startswith(html.unescape(written))


@pytest.mark.parametrize("detail", [EventDetail.FULL, EventDetail.BUSY_ONLY])
async def test_a_matcher_finds_what_a_description_says_and_not_what_it_is_made_of(
    floor: Floor, detail: EventDetail
) -> None:
    rules: dict[str, Any] = {"blocking": Blocking.MATCHED_EVENTS, "unrouted_events": UnroutedEvents.BLOCK_NONE}
    matcher = Matcher(MatcherField.DESCRIPTION, "Anna Berg")
    anna = await floor.linked_option("Anna", WORKSHOP, matchers=(matcher,), detail=detail, **rules)
    for at, description in enumerate([*SAYS_ANNA, *SAYS_NO_ANNA]):
        floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(at), tomorrow(at + 1), description=description))
    await floor.look()
    assert await floor.blocked(anna) == [(tomorrow(at), tomorrow(at + 1)) for at in range(len(SAYS_ANNA))]


async def test_what_a_customer_writes_reaches_google_as_text(floor: Floor) -> None:
    note = '<a href="https://evil.example">Tom & Jerry</a> <b>1 < 2</b>'
    anna = await floor.linked_option("Anna & <b>Bo</b>", WORKSHOP)
    booking = await floor.book(anna, note=note, customer_name="R&D <i>team</i>")
    await floor.settle()
    (event,) = floor.sandbox.events(WORKSHOP)
    assert note in html.unescape(event["description"])
    assert "<" not in event["description"]
    assert event["summary"] == "Cut – R&D <i>team</i>"
    await floor.look()
    assert (await floor.door.mirror_states(floor.business_id, [booking]))[booking].drift is Drift.NONE


async def test_a_description_leaves_no_gap_where_nothing_is_known(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await Booking.get(id=await floor.book(anna))
    await floor.settle()
    (event,) = floor.sandbox.events("anna@example.com")
    assert event["description"] == f"Kari Nordmann\n\n{booking.reference}"


@pytest.mark.parametrize(
    "kept",
    [
        "Tom &amp; Jerry&nbsp;say: &quot;1 &lt; 2&quot;<br>A17",
        "<p>Tom &amp; Jerry say: &#34;1 &lt; 2&#34;</p><p>A17</p>",
        '<html-blob>Tom &amp; <b>Jerry</b> say: "1 &lt; 2"\n\n A17</html-blob>',
    ],
)
def test_what_google_makes_of_our_description_is_no_drift(kept: str) -> None:
    event = rendered(description='Tom & Jerry say: "1 < 2"\nA17')
    there = {**event.body, "id": "x", "description": kept}
    assert drift_of(there, event.body, "Europe/Oslo") is Drift.NONE
    there["description"] = kept.replace("Jerry", "Jenny")
    assert drift_of(there, event.body, "Europe/Oslo") is Drift.EDITED


def test_a_long_text_is_cut_as_it_is_written() -> None:
    body = rendered(description="&" * DESCRIPTION_LENGTH).body
    assert len(body["description"]) <= DESCRIPTION_LENGTH
    assert set(html.unescape(body["description"])) == {"&"}
