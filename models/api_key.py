"""API keys: each gives a role in one business. The database has only its digest; the command shows the key once."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.enums import ChangeAction, ChangeKind, Role
from models.log import change_log
from models.storage import db, secrets
from models.storage.columns import Instant, belongs_to, new_id
from models.storage.queries import Statement


class Key(Model):
    """One API key of a business. `role` is a Role name."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    role = fields.CharField(max_length=8)
    name = fields.CharField(max_length=200)
    digest = fields.CharField(max_length=64, unique=True)
    created_at = Instant()
    revoked_at = Instant(null=True)

    class Meta:
        table = "key"
        indexes = (Index(fields=("business_id",)),)


_STANDING = Statement(Key, "WHERE key.id IN :ids AND key.revoked_at IS NULL")
_VALID = Statement(Key, "WHERE key.digest = :digest AND key.revoked_at IS NULL")


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that a request came with: its role in one business."""

    business_id: UUID
    key_id: UUID
    role: Role
    name: str

    @property
    def is_staff(self) -> bool:
        """Whether the key may see customers and change the calendar: STAFF or ADMIN."""
        return self.role is not Role.PUBLIC

    @property
    def actor(self) -> str:
        """The name under which a booking's history records what this caller did."""
        return "customer" if self.role is Role.PUBLIC else f"{self.role.lower()}: {self.name}"


async def create(business_id: UUID, role: Role, name: str) -> tuple[UUID, str]:
    """Creates a key. Returns its id and its text, which nobody can read again. Raises NoSuchBusinessError."""
    plain = f"tb_{role.lower()}_{secrets.new_token()}"

    async def body(work: change_log.LoggedTransaction) -> UUID:
        key = await Key.create(
            business_id=business_id, role=role, name=name, digest=secrets.digest(plain), created_at=work.now
        )
        work.record(ChangeKind.KEY, key.id, ChangeAction.UPSERTED)
        return key.id

    return await change_log.write(business_id, body), plain


async def revoke(key_id: UUID) -> bool:
    """Revokes a key for good and closes its open sockets. Returns False when there is no such key."""
    rows = await db.select(Key.filter(id=key_id), ("business_id",))
    if not rows:
        return False

    async def body(work: change_log.LoggedTransaction) -> None:
        if await Key.filter(id=key_id, revoked_at=None).update(revoked_at=work.now):
            work.record(ChangeKind.KEY, key_id, ChangeAction.REMOVED)

    await change_log.write(rows[0]["business_id"], body)
    return True


async def authenticate(plain: str) -> Caller | None:
    """Who a key belongs to; None for an unknown or revoked one."""
    rows = await _VALID.rows(("id", "business_id", "role", "name"), digest=secrets.digest(plain))
    return Caller(rows[0]["business_id"], rows[0]["id"], Role(rows[0]["role"]), rows[0]["name"]) if rows else None


async def still_valid(callers: Collection[Caller]) -> set[Caller]:
    """Those of the callers whose keys still stand, with the role they had."""
    rows = await _STANDING.rows(("id", "role"), ids=[each.key_id for each in callers])
    found = {(row["id"], row["role"]) for row in rows}
    return {each for each in callers if (each.key_id, each.role) in found}


async def list_keys(business_id: UUID) -> list[db.Row]:
    """Returns the business's keys, oldest first."""
    query = Key.filter(business_id=business_id).order_by("id")
    return await db.select(query, ("id", "role", "name", "created_at", "revoked_at"))
