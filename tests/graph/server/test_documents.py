"""What is known of a document before it is run."""

import pytest

from graph.server.documents import is_subscription, resume_variable

FIELDS = "{ cursor }"


@pytest.mark.parametrize(
    ("document", "name", "expected"),
    [
        (f"subscription A($after: Cursor) {{ calendarChanges(after: $after) {FIELDS} }}", None, "after"),
        (
            f"subscription A($x: Cursor, $o: [ID!]) {{ c: calendarChanges(optionIds: $o, after: $x) {FIELDS} }}",
            "A",
            "x",
        ),
        # Said in the document itself, or not at all.
        (f'subscription {{ calendarChanges(after: "abc") {FIELDS} }}', None, None),
        (f"subscription {{ calendarChanges {FIELDS} }}", None, None),
        # Used for something else as well.
        ("subscription A($x: Cursor) { calendarChanges(after: $x) { cursor @skip(if: $x) } }", None, None),
        # Of two operations, in one of them only: not worth finding out.
        (
            f"subscription A($x: Cursor) {{ calendarChanges(after: $x) {FIELDS} }} "
            f"subscription B($x: Cursor) {{ calendarChanges(after: $x) {FIELDS} }}",
            "A",
            None,
        ),
        ("{ nonsense", None, None),
        ("", None, None),
        ("query Q($after: Cursor) { viewer { role } }", None, None),
    ],
)
def test_the_variable_that_says_from_where(document: str, name: str | None, expected: str | None) -> None:
    assert resume_variable(document, name) == expected


def test_only_what_is_asked_to_run_makes_a_subscription() -> None:
    both = "query Q { viewer { role } } subscription S { calendarChanges { cursor } }"
    assert is_subscription(both, "S")
    assert not is_subscription(both, "Q")
    assert not is_subscription(both, None)
    assert not is_subscription("{", None)
