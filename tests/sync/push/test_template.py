"""The texts of mirrored events."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.push import template
from sync.push.template import (
    EXAMPLE,
    KEYWORDS,
    Unknown,
    keywords_in,
    placeholders,
    render,
    unknown_placeholders,
    values_for,
)
from tests.sync.deadlines import patient

VALUES = {keyword: f"<{keyword}>" for keyword in KEYWORDS}
PIECES = st.sampled_from(["{{", "}}", "}", "{", "{service_name}", "{customer_name}", "{nope}", "{}", "text", " ", "æ"])
TEMPLATES = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=40)


def test_placeholders_are_replaced_and_the_rest_stays() -> None:
    assert render("At {appointment_time}: {service_name}!", VALUES) == "At <appointment_time>: <service_name>!"


def test_a_missing_value_leaves_nothing_behind() -> None:
    assert render("[{booking_note}]", {}) == "[]"
    assert render("[{customer_phone}]", values_for(replace(EXAMPLE, customer_phone=None), "en")) == "[]"


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{service_name}\n{customer_phone}\n{booking_note}\n\n{booking_reference}", "Cut\n\nA1"),
        ("{service_name}\n\n{booking_note}\n\n{booking_reference}", "Cut\n\nA1"),
        ("Phone: {customer_phone}\nNote (if any): {booking_note}\nNo {booking_reference}", "No A1"),
        ("{service_name}\n\nPhone: {customer_phone} {customer_email}\n", "Cut"),
        ("Bring your card. {booking_note}\n{service_name}", "Bring your card. \nCut"),
        ("{service_name}, {customer_phone}\n\n\nBye", "Cut, \n\n\nBye"),
        ("Phone:\n{service_name}", "Phone:\nCut"),
        ("{customer_phone}", ""),
    ],
)
def test_a_line_of_nothing_leaves_no_gap_and_no_bare_label(text: str, rendered: str) -> None:
    assert render(text, {"service_name": "Cut", "booking_reference": "A1"}) == rendered


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{{", "{"),
        ("{{service_name}}", "{service_name}"),
        ("{{{service_name}}}", "{<service_name>}"),
        ("a } b", "a } b"),
    ],
)
def test_a_doubled_brace_is_a_brace(text: str, rendered: str) -> None:
    assert unknown_placeholders(text) == []
    assert render(text, VALUES) == rendered


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("Hi {customer_nam}", [Unknown("customer_nam", 3)]),
        ("{}", [Unknown("", 0)]),
        ("{Customer_Name}", [Unknown("Customer_Name", 0)]),
        ("{ customer_name }", [Unknown(" customer_name ", 0)]),
        ("{customer_name", [Unknown("customer_name", 0, closed=False)]),
        ("{a{service_name}{b}", [Unknown("a", 0, closed=False), Unknown("b", 16)]),
        ("æ{x}", [Unknown("x", 1)]),
    ],
)
def test_what_is_no_placeholder_is_named_with_its_place(text: str, unknown: list[Unknown]) -> None:
    assert unknown_placeholders(text) == unknown


def test_the_default_templates_are_in_order() -> None:
    for text in (template.DEFAULT_TITLE, template.DEFAULT_DESCRIPTION, template.DEFAULT_LOCATION):
        assert unknown_placeholders(text) == []
    assert render(template.DEFAULT_TITLE, values_for(EXAMPLE, "en")) == "Haircut – Kari Nordmann"
    assert "manage_link" not in keywords_in(template.DEFAULT_DESCRIPTION)


@patient
@given(TEMPLATES)
def test_a_template_without_mistakes_renders_without_its_keywords(text: str) -> None:
    rendered = render(text, dict.fromkeys(KEYWORDS, "*"))
    if not unknown_placeholders(text):
        assert rendered.count("*") - text.count("*") == sum(
            text.replace("{{", "  ").count(f"{{{keyword}}}") for keyword in KEYWORDS
        )


@patient
@given(TEMPLATES)
def test_every_mistake_lies_where_it_is_said_to(text: str) -> None:
    for mistake in unknown_placeholders(text):
        assert text.startswith("{" + mistake.keyword, mistake.position)


@patient
@given(st.text(max_size=60))
def test_a_text_with_its_braces_doubled_comes_out_as_it_was(text: str) -> None:
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert unknown_placeholders(escaped) == []
    assert render(escaped, VALUES) == text


@patient
@given(st.text(max_size=30))
def test_what_a_customer_writes_is_never_read_as_a_template(note: str) -> None:
    subject = replace(EXAMPLE, note="{customer_email}" + note)
    assert render("{booking_note}", values_for(subject, "en")) == "{customer_email}" + note


def test_times_are_the_options_and_words_the_business_languages() -> None:
    english, norwegian = values_for(EXAMPLE, "en"), values_for(EXAMPLE, "nb")
    assert english["appointment_date"] == "Tuesday, 1 December 2026"
    assert norwegian["appointment_date"] == "tirsdag 1. desember 2026"
    assert (english["appointment_time"], english["appointment_end_time"]) == ("09:30", "10:15")
    assert values_for(replace(EXAMPLE, time_zone="America/New_York"), "en")["appointment_time"] == "03:30"


@pytest.mark.parametrize(
    ("minutes", "spoken"), [(0, "0 min"), (45, "45 min"), (60, "1 t"), (90, "1 t 30 min"), (1500, "25 t")]
)
def test_a_duration_is_hours_and_minutes(minutes: int, spoken: str) -> None:
    ends_at = datetime.fromtimestamp(EXAMPLE.starts_at.timestamp() + minutes * 60, UTC)
    assert values_for(replace(EXAMPLE, ends_at=ends_at), "nb")["appointment_duration"] == spoken


@pytest.mark.parametrize("language", ["en", "nb", "xx", "", "not a language"])
def test_every_keyword_has_a_label_and_an_example_in_every_language(language: str) -> None:
    shown = placeholders(language)
    assert [each.keyword for each in shown] == list(KEYWORDS)
    assert all(each.label and each.example for each in shown)


def test_labels_speak_the_business_language() -> None:
    assert placeholders("nb")[0].label == "Avtaledato"
    assert placeholders("de")[0].label == "Appointment date"


def test_a_manage_link_is_asked_for_by_name_only() -> None:
    assert keywords_in("{{manage_link}} {service_name}") == {"service_name"}
    assert keywords_in("{manage_link}") == {"manage_link"}
