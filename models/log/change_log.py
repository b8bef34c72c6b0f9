"""The append-only log of each business. Every change of its rows goes through `write`.

Owns revisions: a transaction takes them under the business's row lock, so their order is the order of commits and has
no gaps. Subscriptions read this log; a wake-up only tells them to look.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

from tortoise import fields
from tortoise.functions import Max
from tortoise.models import Model

from models import clock
from models.business import Business
from models.enums import ChangeAction, ChangeKind
from models.log import notifier
from models.scheduling.intervals import Interval, to_datetime
from models.storage import db, queries
from models.storage.columns import Instant, belongs_to, new_id
from models.storage.db import Row
from models.storage.queries import Statement

T = TypeVar("T")

_TAKE_REVISION = "UPDATE business SET revision = revision + 1 WHERE id = :business_id RETURNING revision"
_COLUMNS = ("revision", "at", "kind", "action", "entity_id", "option_ids", "touches_from", "touches_to")


class Change(Model):
    """One entry of a business's log. `option_ids` are the options that it concerns, those before the change included.

    Only within `[touches_from, touches_to)` may any of them have become busier or freer: at any time when both are
    null, at no time when they are equal.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    revision = fields.BigIntField()
    at = Instant()
    kind = fields.CharField(max_length=16)
    action = fields.CharField(max_length=8)
    entity_id = fields.UUIDField()
    option_ids = fields.JSONField[list[str]](default=list)
    touches_from = Instant(null=True)
    touches_to = Instant(null=True)

    class Meta:
        table = "change"
        unique_together = (("business", "revision"),)


_AFTER = Statement(
    Change,
    """
    WHERE change.business_id = :business_id AND change.revision > :revision
    ORDER BY change.revision LIMIT :limit
    """,
)


class NoSuchBusinessError(LookupError):
    """There is no such business, or somebody deleted it."""


@dataclass(slots=True)
class LoggedTransaction:
    """One transaction on one business: holds its lock, has one time, `now`, and collects changes for the log."""

    business_id: UUID
    first_revision: int
    now: datetime
    _changes: list[Change] = field(default_factory=list)
    _recorded: int = 0

    def record(
        self,
        kind: ChangeKind,
        entity_id: UUID,
        action: ChangeAction,
        options: Iterable[UUID] = (),
        *,
        during: Interval | None = None,
    ) -> None:
        """Records a change under the next revision; `finish` stores it.

        Outside `during`, none of the options became busier or freer. Without it they may have, at any time.
        """
        self._changes.append(
            Change(
                business_id=self.business_id,
                revision=self.first_revision + self._recorded,
                at=self.now,
                kind=kind,
                action=action,
                entity_id=entity_id,
                option_ids=sorted({str(option) for option in options}),
                touches_from=during and to_datetime(during.start),
                touches_to=during and to_datetime(during.end),
            )
        )
        self._recorded += 1

    async def record_each(self, kind: ChangeKind, rows: str, **values: UUID | datetime) -> None:
        """Notes that each of these entries looks different; none takes time otherwise than before.

        `rows` selects their `id` and each `option_id` they are noted with; it may name the values, and `business_id`
        and `now`. Two statements however many there are, and none of them passes through this process.
        """
        first = self.first_revision + self._recorded
        own = {"business_id": self.business_id, "first": first, "now": self.now, "kind": kind.value}
        statement = queries.bind(_insert_of_each(rows), {**own, "no_time": to_datetime(0), **values})
        await db.connection().execute_query(*statement)
        newest = Change.filter(business_id=self.business_id).order_by("-revision").limit(1)
        for row in await newest.values("revision"):
            self._recorded = max(self._recorded, row["revision"] - self.first_revision + 1)

    async def finish(self) -> int:
        """Stores the recorded changes and returns their number. Called once, by `write`."""
        if self._recorded != 1:
            # The lock took one revision; a refusal gives it back, a larger write takes the rest.
            await Business.filter(id=self.business_id).update(revision=self.first_revision - 1 + self._recorded)
        if self._changes:
            await Change.bulk_create(self._changes)
        return self._recorded


def _insert_of_each(rows: str) -> str:
    """The statement that notes a change of each row."""
    if db.is_postgres():
        new_id, options = "gen_random_uuid()", "json_agg(DISTINCT found.option_id)::jsonb"
    else:
        new_id = "lower(" + " || '-' || ".join(f"hex(randomblob({size}))" for size in (4, 2, 2, 2, 6)) + ")"
        options = "json_group_array(DISTINCT found.option_id)"
    return f"""
        INSERT INTO change
            (id, business_id, revision, at, kind, action, entity_id, option_ids, touches_from, touches_to)
        SELECT
            {new_id}, business.id, CAST(:first AS BIGINT) + ROW_NUMBER() OVER (ORDER BY found.id) - 1, :now, :kind,
            'UPSERTED', found.id, {options}, :no_time, :no_time
        FROM ({rows}) AS found JOIN business ON business.id = :business_id
        GROUP BY found.id, business.id"""  # noqa: S608


Body: TypeAlias = Callable[[LoggedTransaction], Awaitable[T]]


async def write(business_id: UUID, body: Body[T]) -> T:
    """Runs the body as one transaction with the business locked, and wakes subscriptions after the commit.

    A body that records no change leaves no trace in the log. Raises NoSuchBusinessError.
    """
    changed = 0

    async def unit() -> T:
        nonlocal changed
        work = LoggedTransaction(business_id, await _lock(business_id), clock.now())
        answer = await body(work)
        changed = await work.finish()
        return answer

    def ring() -> None:
        if changed:
            notifier.ring(business_id)

    return await db.transaction(unit, then=ring)


async def _lock(business_id: UUID) -> int:
    """Takes the next revision: locks the row on PostgreSQL, makes SQLite a writer at once."""
    rows = await db.connection().execute_query_dict(*queries.bind(_TAKE_REVISION, {"business_id": business_id}))
    if not rows:
        raise NoSuchBusinessError(business_id)
    return int(rows[0]["revision"])


async def newest(business_id: UUID) -> int:
    """Returns the revision of the newest change; 0 when there was none. Raises NoSuchBusinessError."""
    rows = await Business.filter(id=business_id).values_list("revision", flat=True)
    if not rows:
        raise NoSuchBusinessError(business_id)
    return int(str(rows[0]))


async def after(business_id: UUID, revision: int, limit: int = 200) -> list[Row]:
    """The changes that follow a revision, in order, at most `limit`."""
    return list(await _AFTER.rows(_COLUMNS, business_id=business_id, revision=revision, limit=limit))


async def is_kept(business_id: UUID, revision: int, latest: int) -> bool:
    """Whether the log still has every change after this revision; `latest` is the newest revision."""
    if revision == latest:
        return True
    return await Change.filter(business_id=business_id, revision=revision + 1).exists()


async def prune(before: datetime) -> int:
    """Deletes the changes older than `before`, in every business; returns how many.

    Deletes a whole beginning of each log, since its revisions have no gaps but the clocks of machines differ.
    """
    gone = 0
    oldest = Change.filter(at__lt=before).annotate(last=Max("revision")).group_by("business_id")
    for row in await oldest.values("business_id", "last"):
        gone += await Change.filter(business_id=row["business_id"], revision__lte=row["last"]).delete()
    return gone


def to_cursor(business_id: UUID, revision: int) -> str:
    """Returns the cursor for the position just after a revision."""
    return base64.urlsafe_b64encode(business_id.bytes + revision.to_bytes(8)).decode().rstrip("=")


def from_cursor(cursor: str, business_id: UUID) -> int:
    """Returns the revision of a cursor. Raises ValueError for nonsense and for another business's cursor."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not a cursor") from None
    # A revision is a signed 64-bit number in the database.
    if len(raw) != 24 or raw[:16] != business_id.bytes or raw[16] > 0x7F:
        raise ValueError("not a cursor of this business")
    revision = int.from_bytes(raw[16:])
    if to_cursor(business_id, revision) != cursor:
        raise ValueError("not as it was given out")
    return revision
