"""Idempotency keys: a repeated request gets the outcome of the first one, refusals included, for a day."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models import checks
from models.log.change_log import Body, LoggedTransaction
from models.refusals import ErrorCode, Refusal, Refused, refused
from models.storage import db
from models.storage.columns import Instant, belongs_to, new_id

KEPT = timedelta(hours=24)


class Outcome(Model):
    """The outcome of the first request with this (API key, mutation, idempotency key), and the digest of its input."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    key = belongs_to("Key")
    key_id: UUID
    mutation = fields.CharField(max_length=32)
    idempotency_key = fields.CharField(max_length=128)
    input_digest = fields.CharField(max_length=64)
    answer = fields.JSONField[dict[str, Any]]()
    created_at = Instant()

    class Meta:
        table = "outcome"
        unique_together = (("key", "mutation", "idempotency_key"),)
        indexes = (Index(fields=("created_at",)),)


_MISMATCH = refused(
    ErrorCode.IDEMPOTENCY_MISMATCH,
    "This idempotency key was used with another input.",
    "input",
    "idempotencyKey",
)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request with an idempotency key. `given` is the whole input, which a repetition must send again."""

    key_id: UUID
    mutation: str
    idempotency_key: str
    given: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The digest of the whole input; the order of its fields does not matter."""
        plain = json.dumps(self.given, sort_keys=True, default=str)
        return hashlib.sha256(plain.encode()).hexdigest()

    async def recall(self, now: datetime) -> Mapping[str, Any] | Refused | None:
        """Returns the stored outcome; a refusal if the first request had another input; None for a first request."""
        query = Outcome.filter(
            key_id=self.key_id,
            mutation=self.mutation,
            idempotency_key=self.idempotency_key,
            created_at__gt=now - KEPT,
        )
        rows = await db.select(query, ("input_digest", "answer"))
        if not rows:
            return None
        answer: Mapping[str, Any] = rows[0]["answer"]
        return answer if rows[0]["input_digest"] == self.digest else _MISMATCH

    async def remember(self, business_id: UUID, answer: Mapping[str, Any], now: datetime) -> None:
        """Stores the outcome, in place of one that is too old to count."""
        same: dict[str, Any] = {
            "key_id": self.key_id,
            "mutation": self.mutation,
            "idempotency_key": self.idempotency_key,
        }
        await Outcome.filter(**same).delete()
        await Outcome.create(
            business_id=business_id, input_digest=self.digest, answer=dict(answer), created_at=now, **same
        )


async def run_once(
    once: IdempotentRequest | None, work: LoggedTransaction, decide: Callable[[], Awaitable[UUID | Refused]]
) -> UUID | Refused:
    """Returns the outcome of `decide`; with `once`, to a repeated request the stored outcome of the first one."""
    if once is None:
        return await decide()
    known = await once.recall(work.now)
    if isinstance(known, Refused):
        return known
    if known is not None:
        return from_stored(known) or UUID(known["made"])
    answer = await decide()
    stored = to_stored(answer) if isinstance(answer, Refused) else {"made": answer.hex}
    await once.remember(work.business_id, stored, work.now)
    return answer


def run_once_body(once: IdempotentRequest | None, decide: Body[UUID | Refused]) -> Body[UUID | Refused]:
    """Wraps `decide` for `change_log.write`, so that it runs once for each idempotency key."""

    async def run(work: LoggedTransaction) -> UUID | Refused:
        return await run_once(once, work, lambda: decide(work))

    return run


def validate(idempotency_key: str | None) -> Refusal | None:
    """Refuses an idempotency key that has not 1 to 128 characters; None passes."""
    if idempotency_key is None or 1 <= len(idempotency_key) <= 128:
        return checks.text(idempotency_key, "idempotencyKey")
    return checks.invalid("Must have 1 to 128 characters.", "idempotencyKey")


def to_stored(answer: Refused) -> Mapping[str, Any]:
    """Converts a refusal to JSON. Leaves out its alternatives: callers look them up anew for each answer."""
    return {
        "refused": [
            {"code": each.code, "message": each.message, "path": each.path, "values": dict(each.values)}
            for each in answer.reasons
        ]
    }


def from_stored(answer: Mapping[str, Any]) -> Refused | None:
    """Converts stored JSON back to a refusal; None when it has another outcome."""
    if "refused" not in answer:
        return None
    return Refused(
        [
            Refusal(ErrorCode(each["code"]), each["message"], tuple(each["path"]), each["values"])
            for each in answer["refused"]
        ]
    )
