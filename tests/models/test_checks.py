"""Judging input values: what passes, and which field a refusal names."""

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from models import checks
from models.actions import register_business
from models.refusals import ErrorCode, Refusal


def about(refusal: Refusal | None) -> tuple[str, ...]:
    """The field a refusal names; fails when there is none."""
    assert refusal
    assert refusal.code is ErrorCode.INVALID_INPUT
    assert refusal.path[0] == "input"
    assert refusal.text.endswith(".")
    assert "{" not in refusal.text, "every slot of the message is filled"
    return refusal.path[1:]


@pytest.mark.parametrize("value", [None, "", "   ", "x", "ÆØÅ 漢字 🙂", "two\nlines\t.", "x" * 11, "🙂" * 11])
def test_text_passes(value: str | None) -> None:
    assert checks.text(value, "note", longest=11) is None


@pytest.mark.parametrize("value", ["x" * 12, " " * 12, "x\x00", "\x00", "x\x1b", "\x7f\x08", "\x1c"])
def test_text_too_long_or_unprintable_is_refused(value: str) -> None:
    assert about(checks.text(value, "customer", "note", longest=11)) == ("customer", "note")


@pytest.mark.parametrize("value", [None, "", " ", "\n\t", "\u2003"])
def test_required_text_is_not_blank(value: str | None) -> None:
    assert about(checks.text(value, "note", required=True)) == ("note",)
    assert about(checks.name(value, "name")) == ("name",)


def test_a_name_has_at_most_200_characters() -> None:
    assert checks.name("x" * 200, "name") is None
    assert about(checks.name("x" * 201, "name")) == ("name",)


@pytest.mark.parametrize(
    ("value", "passes"), [(None, True), (0, False), (1, True), (9, True), (10, False), (-1, False)]
)
def test_a_number_lies_within_its_bounds_both_included(value: int | None, passes: bool) -> None:
    wrong = checks.number(value, "durationMinutes", least=1, most=9)
    assert (wrong is None) is passes
    if wrong:
        assert wrong.text == "Must be between 1 and 9."


@pytest.mark.parametrize("value", [None, "#1a73e8", "#1A73E8", "#000000"])
def test_a_colour_passes(value: str | None) -> None:
    assert checks.color(value, "color") is None


@pytest.mark.parametrize("value", ["", "1a73e8", "#1a73e", "#1a73e8f", "#1a73eg", "red", "#1a73e8\n", "#１a73e8"])
def test_what_is_no_colour_is_refused(value: str) -> None:
    assert about(checks.color(value, "color")) == ("color",)


@pytest.mark.parametrize(
    "value", [None, "kari@example.com", "a@b", "ø@ø.no", '"odd"@example.com', "x" * 314 + "@a.com"]
)
def test_a_mail_address_passes(value: str | None) -> None:
    assert checks.email(value, "email") is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "kari",
        "@example.com",
        "kari@",
        "kari@@example.com",
        "ka ri@a.com",
        "kari@a.com\n",
        "k\x00@a.com",
        "x" * 320 + "@a",
    ],
)
def test_what_is_no_mail_address_is_refused(value: str) -> None:
    assert about(checks.email(value, "customer", "email")) == ("customer", "email")


@pytest.mark.parametrize("amount", ["0", "450", "450.00", "0.5", "9" * 17 + ".99"])
def test_a_price_passes(amount: str) -> None:
    assert checks.price(amount, "NOK", "price") == []


def test_no_price_passes() -> None:
    assert checks.price(None, None, "price") == []


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "free",
        "-1",
        "-0.01",
        "NaN",
        "Infinity",
        "1e3",
        "1E3",
        "4_50",
        " 450",
        "450 ",
        "4,50",
        "٤٥٠",
        "1" * 21,
        "0x10",
    ],
)
def test_a_price_that_is_no_plain_decimal_number_is_refused(amount: str) -> None:
    (wrong,) = checks.price(amount, "NOK", "price")
    assert about(wrong) == ("price", "amount")


@pytest.mark.parametrize("currency", ["", "nok", "NO", "NOKK", "N0K", "NOK\n", "ÆØÅ"])
def test_a_currency_that_is_no_code_is_refused(currency: str) -> None:
    (wrong,) = checks.price("1", currency, "price")
    assert about(wrong) == ("price", "currency")


def test_both_halves_of_a_price_are_judged_at_once() -> None:
    assert [about(wrong) for wrong in checks.price("free", "money", "price")] == [
        ("price", "amount"),
        ("price", "currency"),
    ]


def test_null_is_refused_where_a_field_cannot_be_empty_and_a_field_left_out_passes() -> None:
    values = {"name": None, "time_zone": "UTC"}
    wrong = checks.required(values, ("name", "time_zone", "kind"))
    assert [about(each) for each in wrong] == [("name",)]
    assert [about(each) for each in checks.required({"time_zone": None}, ("time_zone",))] == [("timeZone",)]


@pytest.mark.parametrize(
    ("snake", "camel"),
    [("name", "name"), ("time_zone", "timeZone"), ("minimum_notice_minutes", "minimumNoticeMinutes")],
)
def test_fields_are_named_as_clients_spell_them(snake: str, camel: str) -> None:
    assert checks.camel(snake) == camel


@pytest.mark.parametrize("name", ["UTC", "Europe/Oslo", "America/Argentina/Buenos_Aires", "Etc/GMT+3"])
def test_a_zone_is_found_by_its_name(name: str) -> None:
    assert checks.find_time_zone(name) == ZoneInfo(name)


NO_ZONES = (
    "",
    ".",
    "..",
    "Europe",
    "Europe/",
    "Oslo",
    "Mars/Olympus",
    "UTC ",
    "tzdata.zi",
    "zone.tab",
    "localtime",
    "posixrules",
    "Factory",
    "America",
    "posix/Europe/Oslo",
    "right/Europe/Oslo",
    "europe/oslo",
    "EUROPE/OSLO",
    "ÆØÅ",
    "x" * 5000,
)
NO_FILES = ("../../etc/passwd", "/etc/passwd", "a\x00b", "\ud800")


@pytest.mark.parametrize("name", NO_ZONES + NO_FILES)
def test_what_is_no_zone_is_none(name: str) -> None:
    assert checks.find_time_zone(name) is None
    assert "time_zone" in register_business.validate({"time_zone": name})


@pytest.mark.parametrize(("label", "stored"), [(time(8), "08:00"), (time(0), "00:00"), (time(23, 59), "23:59")])
def test_a_label_is_stored_with_hours_and_minutes(label: time, stored: str) -> None:
    assert checks.label(label) == stored


def test_only_refusals_are_kept_of_many_checks() -> None:
    wrong = checks.invalid("Wrong.", "name")
    assert checks.refusals(None, wrong, None) == [wrong]
