"""Global ids and the interface `Node`."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from graph.fields.resolvers import identity
from graph.request.context import bad_input
from models import checks
from models.api_key import Caller
from models.storage.db import Row

T = TypeVar("T")


def to_id(kind: str, value: UUID) -> strawberry.ID:
    """Encodes the global id of an object of that type."""
    # For letters, digits and a colon, this is the same as URL-safe base64, and faster.
    return strawberry.ID(binascii.b2a_base64(f"{kind}:{value.hex}".encode(), newline=False).decode().rstrip("="))


@strawberry.interface(description="Anything that has an id of its own and can be fetched again by it.")
class Node:
    row: strawberry.Private[Row]
    id: strawberry.ID = identity(to_id, "Opaque and stable. Fetch the object again with `node`.")


def visible(caller: Caller) -> dict[str, Any]:
    """Returns the filter for the options and services that a key may see: public keys see active ones only."""
    return {} if caller.is_staff else {"active": True}


def from_id(given: str) -> tuple[str, UUID] | None:
    """Decodes a global id to its type and id; None when it is not one of ours."""
    try:
        plain = base64.urlsafe_b64decode(given.encode("ascii") + b"=" * (-len(given) % 4)).decode("ascii")
        kind, _, value = plain.partition(":")
        found = UUID(hex=value)
        # The same bytes have several spellings in base64; we accept only the one that `to_id` makes.
        return (kind, found) if to_id(kind, found) == given else None
    except (binascii.Error, UnicodeError, ValueError):
        return None


def id_of(kind: str, given: str | None) -> UUID | None:
    """Decodes a global id of that type; None for any other text."""
    found = from_id(given) if given else None
    return found[1] if found and found[0] == kind else None


UNKNOWN_ID = UUID(int=0)
"""An id that no row has. It stands for a global id of another type, so that no query finds it."""


def unset_to_none(given: T | None) -> T | None:
    """Converts UNSET, the value of an input field that is left out, to None."""
    return None if given is strawberry.UNSET else given


def decode_id_if_given(kind: str, given: str | None) -> UUID | None:
    """Decodes a global id that may be left out; None when it is left out or null."""
    value = unset_to_none(given)
    return None if value is None else decode_id(kind, value)


def decode_id(kind: str, given: str) -> UUID:
    """Decodes a global id of that type; UNKNOWN_ID for any other text."""
    return id_of(kind, given) or UNKNOWN_ID


def decode_ids(kind: str, given: Iterable[str] | None) -> Sequence[UUID] | None:
    """Decodes several ids; None for null, or a list that is left out. Of too many, decodes one more than allowed."""
    if given is None or given is strawberry.UNSET:
        return None
    return [decode_id(kind, each) for each in islice(given, checks.LONGEST_LIST + 1)]


def decode_given_ids(kind: str, given: Sequence[str] | None, name: str) -> Sequence[UUID] | None:
    """Decodes several ids in the argument `name`. Raises BAD_USER_INPUT when they are too many."""
    check_length(given, name)
    return decode_ids(kind, given)


def check_length(given: Sequence[Any] | None, name: str, most: int = checks.LONGEST_LIST) -> None:
    """Raises BAD_USER_INPUT when the list in the argument `name` has more than `most` entries."""
    if unset_to_none(given) is not None and len(given or ()) > most:
        raise bad_input(f"`{name}` has at most {most} entries; {len(given or ())} were sent.")


def check_text(given: str | None, name: str, most: int) -> None:
    """Raises BAD_USER_INPUT when the text in the argument `name` has more than `most` characters."""
    if unset_to_none(given) is not None and len(given or "") > most:
        raise bad_input(f"`{name}` has at most {most} characters; {len(given or '')} were sent.")
