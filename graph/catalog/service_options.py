"""Reads which option offers which service, from both sides, for many at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from graph.request.context import Info
from models.catalog.service_option import Offering
from models.storage import db
from models.storage.db import Row


async def services_of(info: Info, option_id: UUID, wanted_columns: frozenset[str]) -> Sequence[Row]:
    """Returns these columns of the services that an option offers, by name; to public keys only active ones."""
    return await _read_related(info, "option_id", "service", option_id, wanted_columns)


async def options_of(info: Info, service_id: UUID, wanted_columns: frozenset[str]) -> Sequence[Row]:
    """Returns these columns of the options that offer a service, by name; to public keys only active ones."""
    return await _read_related(info, "service_id", "option", service_id, wanted_columns)


async def _read_related(info: Info, near: str, far: str, key: UUID, wanted_columns: frozenset[str]) -> Sequence[Row]:
    """Reads the rows on the far side of the relation, with one statement for all keys of this level of the answer."""
    staff = info.context.caller.is_staff

    async def load(keys: Sequence[UUID]) -> Mapping[UUID, Sequence[Row]]:
        query = Offering.filter(**{f"{near}__in": list(set(keys))}).order_by(f"{far}__name", f"{far}_id")
        visible = query if staff else query.filter(**{f"{far}__active": True})
        found: dict[UUID, list[Row]] = defaultdict(list)
        for row in await db.select(visible, (near,), **{column: f"{far}__{column}" for column in wanted_columns}):
            found[row[near]].append(row)
        return found

    return await info.context.loaders.many((near, wanted_columns), key, load)
