"""Texts that people read as the same are the same; words end where graphemes end."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.normal_form import by_grapheme, normal, search_forms, terms, words

SAME = [
    ("O’Brien", "O'Brien"),
    ("Oʼbrien", "o`BRIEN"),
    ("Åse", "A\u030ase"),
    ("Åse", "\u212bSE"),
    ("Berg‑Ødegård", "Berg-Ødegård"),
    ("Berg–Ødegård", "Berg−Ødegård"),
    ("“Anna”", '"anna"'),
    ("Anna\u00a0Berg", "  Anna \u2009 Berg\t"),
    ("An\u00adna\u200b", "Anna"),
    ("ﬁne", "Fine"),
    ("STRASSE", "straße"),
    ("Ａnna １", "anna 1"),
    ("IŞIK", "ışık"),
    ("İstanbul", "istanbul"),
    ("ΣΟΦΟΣ", "σοφος"),
    ("❤\ufe0f", "❤"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_reads_the_same_is_the_same(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [("अनु", "अनुराधा"), ("👩", "👩‍🚀"), ("e", "é"), ("🇳", "🇳🇴"), ("-", "_")])
def test_what_reads_otherwise_stays_different(one: str, other: str) -> None:
    assert normal(one) != normal(other)
    assert words(one) != words(other)[:1]


@given(st.text())
def test_the_normal_form_is_its_own_and_knows_no_composition(text: str) -> None:
    plain = normal(text)
    assert normal(plain) == plain
    assert normal(unicodedata.normalize("NFD", text)) == plain
    assert "\x1f" not in plain


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Anna O’Brien (Oslo)", ["anna", "o", "'", "brien", "(", "oslo", ")"]),
        ("अनुराधा", ["अनुराधा"]),
        ("x\u0301y z", ["x\u0301y", "z"]),
        ("👩‍🚀!", ["👩‍🚀", "!"]),
        ("\u200b \u00ad", []),
    ],
)
def test_a_text_is_cut_between_words_and_signs_never_within_a_grapheme(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Nordmann, Kari (Oslo)", ["nordmann", "kari", "oslo"]),
        ("Nordmann,Kari", ["nordmann", "kari"]),
        ("“O’Brien”", ["o'brien"]),
        ("kari.n+x@example.no", ["kari.n+x@example.no"]),
        ("kar%", ["kar%"]),
        ("- ! (", []),
    ],
)
def test_people_look_for_words_without_the_signs_around_them(text: str, found: list[str]) -> None:
    assert terms(text) == found


def test_a_double_name_is_found_by_each_part_and_as_one() -> None:
    assert search_forms("berg-ødegård") == {"berg-ødegård", "berg", "ødegård", "bergødegård"}


@pytest.mark.parametrize(
    ("whole", "beginning", "is_one"),
    [
        ("अनुराधा", "अनु", True),
        ("अनुराधा", "अन", False),
        ("x\u0301y", "x", False),
        ("x\u0301y", "x\u0301", True),
        ("👩‍🚀", "👩", False),
        ("kari", "ka", True),
    ],
)
def test_a_beginning_ends_where_a_grapheme_ends(whole: str, beginning: str, is_one: bool) -> None:
    assert by_grapheme(normal(whole)).startswith(by_grapheme(normal(beginning))) is is_one
