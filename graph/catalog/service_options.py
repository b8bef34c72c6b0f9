"""Who offers what, read for many at once: the two sides of the relation between options and services."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from graph.fields.selection import columns
from graph.request.context import Info
from models.catalog.service_option import Offering
from models.storage import db
from models.storage.db import Row

if TYPE_CHECKING:
    from graph.catalog.options import Option
    from graph.catalog.services import Service


async def services_of(info: Info, option_id: UUID) -> list[Service]:
    """The services an option offers, by name; public keys see the active ones."""
    from graph.catalog.services import Service

    rows = await _across(info, "option_id", "service", option_id, columns(info, Service))
    return [Service(row=row) for row in rows]


async def options_of(info: Info, service_id: UUID) -> list[Option]:
    """The options that offer a service, by name; public keys see the active ones."""
    from graph.catalog.options import Option

    rows = await _across(info, "service_id", "option", service_id, columns(info, Option))
    return [Option(row=row) for row in rows]


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
