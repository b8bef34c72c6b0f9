"""Relay connections with keyset cursors, so that new rows neither shift nor repeat those of later pages."""

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
"""The longest text, in characters, of a column that orders a list."""

COUNTED = 10_000
"""The most rows that `totalCount` counts. With more it is null, since counting would cost more than it is worth."""

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
    """One page of a query's rows, in the order of a column."""

    rows: Sequence[Row]
    by: str
    has_next: bool
    has_previous: bool
    select: Select

    def cursors(self) -> list[str]:
        """Returns the cursor of each row."""
        return [self._cursor(row) for row in self.rows]

    def _cursor(self, row: Row) -> str:
        return _encode_cursor(row[self.by], row["id"])

    def info(self) -> PageInfo:
        """Returns the page's `PageInfo`."""
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
    """Reads a page of the query, ordered by one column and then by id, after a cursor. Raises BAD_USER_INPUT."""
    if not 0 <= first <= PAGE:
        raise bad_input(f"`first` is between 0 and {PAGE}.")
    position = None if after is None else _decode_cursor(after, is_instant=is_instant(select.statement.table, by))
    rows = await select.page(by, first + 1, position, descending=descending).rows(columns | {by, "id"})
    return Page(rows[:first], by, len(rows) > first, after is not None, select)


def _encode_cursor(value: Any, row_id: UUID) -> str:
    plain = json.dumps([value.isoformat() if hasattr(value, "isoformat") else value, row_id.hex])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str, *, is_instant: bool) -> tuple[str | datetime, UUID]:
    """Decodes a cursor. Raises BAD_USER_INPUT for one that this list did not give out."""
    try:
        value, row_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        if isinstance(value, str) and "\0" not in value and len(value) <= _LONGEST:
            # Raises UnicodeEncodeError for half a character, which no database stores.
            value.encode()
            place = _instant(value) if is_instant else value, UUID(hex=row_id)
            if _encode_cursor(*place) == cursor:
                return place
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        pass
    raise bad_input("`after` is not a cursor of this list.")


def _instant(value: str) -> datetime:
    """Parses a cursor's instant. Raises ValueError without an offset, OverflowError outside of the years 1 to 9999."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return moment.astimezone(UTC)
