"""What validating a document takes is given back when it is done, not at the next collection of garbage."""

import gc
import sys
from collections.abc import Iterator

import pytest

from graph.documents.document import parse_document
from graph.schema import schema

PER_FIELD = 4
"""Objects that may be left for each field of a document: what graphql-core compares are sixty."""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage is collected but by the test."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def text(times: int, number: int = 0) -> str:
    """A document that selects options of services again and again."""
    return f"query q{number} {{ {'services(first: 1) { nodes { options { id services { id } } } } ' * times}}}"


def left_by(document: str) -> int:
    """Objects that reading and checking a document leaves in circles."""
    gc.collect()
    found = parse_document(document)
    found.check(schema.core, introspection=True)
    assert not found.errors
    return gc.collect()


@pytest.mark.usefixtures("uncollected")
def test_nothing_that_was_compared_is_left_behind() -> None:
    left_by(text(1))
    few, many = left_by(text(5, 1)), left_by(text(25, 2))
    fields = 20 * 6
    assert many - few <= PER_FIELD * fields


def test_fields_that_do_not_fit_together_are_still_found() -> None:
    document = parse_document("{ viewer { a: role } ...F } fragment F on Query { viewer { a: business { id } } }")
    document.check(schema.core, introspection=True)
    assert [each.message.split(" because")[0] for each in document.errors or ()] == ["Fields 'viewer' conflict"]


def test_a_document_is_valid_only_once_its_operations_are_known() -> None:
    """It is checked in a thread, while others look."""
    document, seen = parse_document(text(3)), list[bool]()

    def see(*_: object) -> None:
        seen.append(document.errors == [] and not document.operations)

    sys.setprofile(see)
    try:
        document.check(schema.core, introspection=True)
    finally:
        sys.setprofile(None)
    assert document.operations
    assert len(seen) > 1000
    assert not any(seen)
