"""Relay connections with keyset cursors: a page continues after a row, so rows that arrive meanwhile neither shift
nor repeat anything.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from tortoise.expressions import Q
from tortoise.fields import DatetimeField
from tortoise.queryset import QuerySet

from graph.context import bad_input
from models import db
from models.db import Row

PAGE = 100
"""The largest page."""

_LONGEST = 200
"""Characters of what a list is ordered by."""

COUNTED = 10_000
"""Above so many rows `totalCount` is null: counting them would cost more than it tells."""

First = Annotated[int, strawberry.argument(description="How many to give, from 0 to 100.")]
After = Annotated[str | None, strawberry.argument(description="Give what follows this cursor of an earlier page.")]


@strawberry.type(description="Where a page of a list begins and ends, and whether there is more.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item; null on an empty page.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item: ask for what is `after` it. Null on an empty page."
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, with the cursor of each; `query` is the whole list, for counting."""

    rows: Sequence[Row]
    cursors: Sequence[str]
    info: PageInfo
    query: QuerySet[Any]

    async def total(self) -> int | None:
        """How long the whole list is; None when it is too long to count."""
        some = db.within(self.query.order_by().limit(COUNTED + 1), "id")
        count = await self.query.model.filter(id__in=some).count()
        return None if count > COUNTED else count


@strawberry.type(description="A page of a list.")
class Listing:
    page: strawberry.Private[Page]

    @strawberry.field(description="Whether there is more.")
    def page_info(self) -> PageInfo:
        return self.page.info

    @strawberry.field(description="How many there are in all; null above 10,000.")
    async def total_count(self) -> int | None:
        return await self.page.total()


async def page(
    query: QuerySet[Any], *, by: str, columns: frozenset[str], first: int, after: str | None, descending: bool = False
) -> Page:
    """The rows of the query by one column and then by id, after a cursor. Raises BAD_USER_INPUT."""
    if not 0 <= first <= PAGE:
        raise bad_input(f"`first` is between 0 and {PAGE}.")
    sign, more = ("-", "lt") if descending else ("", "gt")
    rest = query.order_by(f"{sign}{by}", f"{sign}id")
    if after is not None:
        value, row_id = _position(after, is_instant=isinstance(query.model._meta.fields_map[by], DatetimeField))
        beyond: dict[str, Any] = {f"{by}__{more}": value}
        beside: dict[str, Any] = {by: value, f"id__{more}": row_id}
        rest = rest.filter(Q(**beyond) | Q(**beside))
    rows = await db.select(rest.limit(first + 1), columns | {by, "id"})
    shown = rows[:first]
    cursors = [_cursor(row[by], row["id"]) for row in shown]
    ends = (cursors[0], cursors[-1]) if cursors else (None, None)
    info = PageInfo(
        has_next_page=len(rows) > first,
        has_previous_page=after is not None,
        start_cursor=ends[0],
        end_cursor=ends[1],
    )
    return Page(shown, cursors, info, query)


def _cursor(value: Any, row_id: UUID) -> str:
    plain = json.dumps([value.isoformat() if hasattr(value, "isoformat") else value, row_id.hex])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _position(cursor: str, *, is_instant: bool) -> tuple[str | datetime, UUID]:
    """Where a cursor stands."""
    try:
        value, row_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        if isinstance(value, str) and "\0" not in value and len(value) <= _LONGEST:
            return _instant(value) if is_instant else value, UUID(hex=row_id)
    except (binascii.Error, UnicodeError, ValueError, TypeError, AttributeError):
        pass
    raise bad_input("`after` is not a cursor of this list.")


def _instant(value: str) -> datetime:
    """An instant as a cursor has it. Raises ValueError when it has no offset."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return moment
