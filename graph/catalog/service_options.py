"""Who offers what, read for many at once: the two sides of the relation between options and services."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from graph.request.context import Info
from models.catalog.service_option import Offering
from models.storage import db
from models.storage.db import Row


async def services_of(info: Info, option_id: UUID, asked: frozenset[str]) -> Sequence[Row]:
    """The asked columns of the services that an option offers, by name; public keys see the active ones."""
    return await _across(info, "option_id", "service", option_id, asked)


async def options_of(info: Info, service_id: UUID, asked: frozenset[str]) -> Sequence[Row]:
    """The asked columns of the options that offer a service, by name; public keys see the active ones."""
    return await _across(info, "service_id", "option", service_id, asked)


async def _across(info: Info, near: str, far: str, key: UUID, asked: frozenset[str]) -> Sequence[Row]:
    """The rows on the far side of the relation, for all keys of this level in one statement."""
    staff = info.context.caller.is_staff

    async def load(keys: Sequence[UUID]) -> Mapping[UUID, Sequence[Row]]:
        query = Offering.filter(**{f"{near}__in": list(set(keys))}).order_by(f"{far}__name", f"{far}_id")
        visible = query if staff else query.filter(**{f"{far}__active": True})
        found: dict[UUID, list[Row]] = defaultdict(list)
        for row in await db.select(visible, (near,), **{column: f"{far}__{column}" for column in asked}):
            found[row[near]].append(row)
        return found

    return await info.context.loaders.many((near, asked), key, load)
