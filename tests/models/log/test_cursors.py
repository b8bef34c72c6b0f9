"""Cursors: opaque positions in one business's log."""

import base64
from uuid import UUID, uuid4

import pytest

from models.log.change_log import from_cursor, to_cursor

BUSINESS = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@pytest.mark.parametrize("revision", [0, 1, 255, 256, 2**40, 2**63 - 1])
def test_a_cursor_comes_back_as_the_revision_it_was_made_of(revision: int) -> None:
    business_id = uuid4()
    cursor = to_cursor(business_id, revision)
    assert from_cursor(cursor, business_id) == revision
    assert cursor.isascii()
    assert not set(cursor) & set("+/= "), "a cursor fits in a URL"


def test_the_cursor_of_another_business_is_refused() -> None:
    with pytest.raises(ValueError, match="not a cursor of this business"):
        from_cursor(to_cursor(uuid4(), 3), uuid4())


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "x",
        "nonsense",
        "ÆØÅ",
        "\x00",
        " " * 32,
        str(BUSINESS),
        to_cursor(BUSINESS, 1)[:-1],
        to_cursor(BUSINESS, 1) + "AAAA",
        "A" * 100_000,
    ],
)
def test_a_cursor_that_is_nonsense_is_refused(nonsense: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        from_cursor(nonsense, BUSINESS)


def test_a_cursor_beyond_what_a_database_counts_is_refused() -> None:
    forged = base64.urlsafe_b64encode(BUSINESS.bytes + (2**63).to_bytes(8)).decode().rstrip("=")
    with pytest.raises(ValueError, match="not a cursor"):
        from_cursor(forged, BUSINESS)
