"""Column types shared by all tables: ids that sort by time, and instants that are always UTC."""

import os
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.fields import DatetimeField
from tortoise.models import Model

from models.storage.tortoise_internals import field_of


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7 and §6.2, method 3): Unix milliseconds, 12 bits of their fraction, then random bits."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64
    return UUID(int=value | 0x2 << 62 | int.from_bytes(os.urandom(8)) >> 2)


class Instant(DatetimeField[Any]):
    """An aware instant, stored in UTC.

    The stock field compares text on SQLite, so two spellings of one instant would differ: every value that goes
    to the database passes through UTC here.
    """

    def to_db_value(self, value: Any, instance: Any) -> Any:
        """The instant in UTC. Raises ValueError for a naive datetime."""
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError("an instant needs an offset")
            value = value.astimezone(UTC)
        return super().to_db_value(value, instance)


def belongs_to(model: str, *, keep: bool = False, null: bool = False, alone: bool = False) -> Any:
    """A foreign key to `models.<model>`. Rows go with what they belong to, unless it must be kept while they exist.

    With `alone`, at most one row may point at each.
    """
    on_delete = fields.RESTRICT if keep else fields.CASCADE
    kind: Any = fields.OneToOneField if alone else fields.ForeignKeyField
    return kind(f"models.{model}", on_delete=on_delete, null=null, related_name=False)


def is_instant(table: type[Model], column: str) -> bool:
    """Whether a column of a table is an instant."""
    return isinstance(field_of(table, column), DatetimeField)


def counted(column: str, *, is_postgres: bool) -> str:
    """SQL that computes an instant of a table as `models.scheduling.intervals` counts them: much cheaper for many.

    Exact until 2242: up to then a double of seconds with microseconds does not reach the next second.
    """
    if is_postgres:
        seconds = f"CAST(floor(date_part('epoch', {column})) AS BIGINT)"
        return f"{seconds} * 1000000 + CAST(date_part('microseconds', {column}) AS BIGINT) % 1000000"
    # SQLite rounds to milliseconds, so the fraction is taken apart from the text, which is in UTC.
    seconds = f"CAST(strftime('%s', substr({column}, 1, 19)) AS INTEGER)"
    fraction = f"CASE WHEN substr({column}, 20, 1) = '.' THEN CAST(substr({column}, 21, 6) AS INTEGER) ELSE 0 END"
    return f"{seconds} * 1000000 + {fraction}"
