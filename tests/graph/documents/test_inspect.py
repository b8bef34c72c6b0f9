"""What is known of a document before it is run."""

import pytest

from graph.documents.document import parse_document
from graph.schema import schema

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
        (
            "subscription A($x: Cursor) { calendarChanges(after: $x) { cursor @skip(if: $x) } }",
            None,
            None,
        ),
        # Of two operations, in one of them only: not worth finding out.
        (
            f"subscription A($x: Cursor) {{ calendarChanges(after: $x) {FIELDS} }} "
            f"subscription B($x: Cursor) {{ calendarChanges(after: $x) {FIELDS} }}",
            "A",
            None,
        ),
        ("{ nonsense", None, None),
        ("", None, None),
        ("query Q($after: Cursor) { bookings(first: 1, after: $after) { totalCount } }", None, None),
    ],
)
def test_the_variable_that_says_from_where(document: str, name: str | None, expected: str | None) -> None:
    found = parse_document(document)
    found.check(schema.core, introspection=True)
    operation = found.operation(name)
    assert (operation.resume_variable if operation else None) == expected


def test_only_what_is_asked_to_run_makes_a_subscription() -> None:
    both = parse_document("query Q { viewer { role } } subscription S { calendarChanges { cursor } }")
    assert both.is_subscription("S")
    assert not both.is_subscription("Q")
    assert not both.is_subscription(None)
    assert not parse_document("{").is_subscription(None)
