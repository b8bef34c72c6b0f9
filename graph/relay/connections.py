"""Relay connections with keyset cursors: a page continues after a row, so rows that arrive meanwhile neither shift
nor repeat anything.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from graph.request.context import bad_input
from models.storage.columns import is_instant
from models.storage.db import Row
from models.storage.queries import Select

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
    """Some rows of a query, in the order of a column."""

    rows: Sequence[Row]
    by: str
    has_next: bool
    has_previous: bool
    select: Select

    def cursors(self) -> list[str]:
        """The place of each row."""
        return [self._cursor(row) for row in self.rows]

    def _cursor(self, row: Row) -> str:
        return _cursor(row[self.by], row["id"])

    def info(self) -> PageInfo:
        """Where it begins and ends."""
        start, end = (self._cursor(self.rows[0]), self._cursor(self.rows[-1])) if self.rows else (None, None)
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=start,
            end_cursor=end,
        )

    async def total(self) -> int | None:
        """How long the whole list is; None when it is too long to count."""
        count = await self.select.count(COUNTED + 1)
        return None if count > COUNTED else count


@strawberry.type(description="A page of a list.")
class Listing:
    page: strawberry.Private[Page]

    @strawberry.field(description="Whether there is more.")
    def page_info(self) -> PageInfo:
        return self.page.info()

    @strawberry.field(description="How many there are in all; null above 10,000.")
    async def total_count(self) -> int | None:
        return await self.page.total()


async def page(
    select: Select, *, by: str, columns: frozenset[str], first: int, after: str | None, descending: bool = False
) -> Page:
    """The rows of the query by one column and then by id, after a cursor. Raises BAD_USER_INPUT."""
    if not 0 <= first <= PAGE:
        raise bad_input(f"`first` is between 0 and {PAGE}.")
    position = None if after is None else _position(after, is_instant=is_instant(select.statement.table, by))
    rows = await select.page(by, first + 1, position, descending=descending).rows(columns | {by, "id"})
    return Page(rows[:first], by, len(rows) > first, after is not None, select)


def _cursor(value: Any, row_id: UUID) -> str:
    plain = json.dumps([value.isoformat() if hasattr(value, "isoformat") else value, row_id.hex])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _position(cursor: str, *, is_instant: bool) -> tuple[str | datetime, UUID]:
    """Where a cursor stands."""
    try:
        value, row_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        if isinstance(value, str) and "\0" not in value and len(value) <= _LONGEST:
            # Half characters are no text that a database could have.
            value.encode()
            place = _instant(value) if is_instant else value, UUID(hex=row_id)
            if _cursor(*place) == cursor:
                return place
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        pass
    raise bad_input("`after` is not a cursor of this list.")


def _instant(value: str) -> datetime:
    """An instant as a cursor has it. Raises ValueError when it has no offset, OverflowError when it is in no year."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return moment.astimezone(UTC)
