"""The append-only log of each business, and the one way to write to it.

Owns revisions: they are taken under the business's row lock, so their order is commit order and they have no gaps.
Subscriptions read this log; a wake-up carries no truth.
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
    """One entry of a business's log. `option_ids` are the options it concerns, before and after.

    Only within `[touches_from, touches_to)` may any of them be taken otherwise than before. Both null: it may be at
    any time. Equal: at none.
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
    """The business is not there (any more)."""


@dataclass(slots=True)
class LoggedTransaction:
    """One transaction on one business: its lock is held, `now` is its time, and changes are noted as it goes."""

    business_id: UUID
    first_revision: int
    now: datetime
    _changes: list[Change] = field(default_factory=list)
    _noted: int = 0

    def record(
        self,
        kind: ChangeKind,
        entity_id: UUID,
        action: ChangeAction,
        options: Iterable[UUID] = (),
        *,
        during: Interval | None = None,
    ) -> None:
        """Notes a change; it gets the next revision when the transaction commits.

        Outside `during`, none of the options is taken otherwise than before; without it, any of them may be.
        """
        self._changes.append(
            Change(
                business_id=self.business_id,
                revision=self.first_revision + self._noted,
                at=self.now,
                kind=kind,
                action=action,
                entity_id=entity_id,
                option_ids=sorted({str(option) for option in options}),
                touches_from=during and to_datetime(during.start),
                touches_to=during and to_datetime(during.end),
            )
        )
        self._noted += 1

    async def record_each(self, kind: ChangeKind, rows: str, **values: UUID | datetime) -> None:
        """Notes that each of these entries looks different; none takes time otherwise than before.

        `rows` selects their `id` and each `option_id` they are noted with; it may name the values, and `business_id`
        and `now`. Two statements however many there are, and none of them passes through this process.
        """
        first = self.first_revision + self._noted
        own = {"business_id": self.business_id, "first": first, "now": self.now, "kind": kind.value}
        statement = queries.bind(_each(rows), {**own, "no_time": to_datetime(0), **values})
        await db.connection().execute_query(*statement)
        newest = Change.filter(business_id=self.business_id).order_by("-revision").limit(1)
        for row in await newest.values("revision"):
            self._noted = max(self._noted, row["revision"] - self.first_revision + 1)

    async def finish(self) -> int:
        """Stores what was noted, and returns how many changes there were."""
        if self._noted != 1:
            # One was taken with the lock; a refusal gives it back, a larger write takes the rest.
            await Business.filter(id=self.business_id).update(revision=self.first_revision - 1 + self._noted)
        if self._changes:
            await Change.bulk_create(self._changes)
        return self._noted


def _each(rows: str) -> str:
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
    """Runs the body as one transaction with the business locked, and rings the bell once it is committed.

    A body that returns without noting a change leaves no trace in the log. Raises NoSuchBusinessError.
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
    """The revision of the newest change; 0 for an untouched business. Raises NoSuchBusinessError."""
    rows = await Business.filter(id=business_id).values_list("revision", flat=True)
    if not rows:
        raise NoSuchBusinessError(business_id)
    return int(str(rows[0]))


async def after(business_id: UUID, revision: int, limit: int = 200) -> list[Row]:
    """The changes that follow a revision, in order, at most `limit`."""
    return list(await _AFTER.rows(_COLUMNS, business_id=business_id, revision=revision, limit=limit))


async def is_kept(business_id: UUID, revision: int, latest: int) -> bool:
    """Whether every change after this revision is still there; `latest` is the newest revision."""
    if revision == latest:
        return True
    return await Change.filter(business_id=business_id, revision=revision + 1).exists()


async def prune(before: datetime) -> int:
    """Forgets what is older than `before`; returns how many changes went.

    Always a whole beginning of each log: clocks of several machines may differ, revisions have no gaps.
    """
    gone = 0
    oldest = Change.filter(at__lt=before).annotate(last=Max("revision")).group_by("business_id")
    for row in await oldest.values("business_id", "last"):
        gone += await Change.filter(business_id=row["business_id"], revision__lte=row["last"]).delete()
    return gone


def to_cursor(business_id: UUID, revision: int) -> str:
    """The opaque position just after a revision."""
    return base64.urlsafe_b64encode(business_id.bytes + revision.to_bytes(8)).decode().rstrip("=")


def from_cursor(cursor: str, business_id: UUID) -> int:
    """The revision a cursor stands for. Raises ValueError for nonsense and for another business's cursor."""
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
