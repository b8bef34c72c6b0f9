"""Batched reads: the rows that one level of an answer needs, in one statement.

A socket lives long, so nothing is remembered between batches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader
from tortoise.models import Model

from graph.rendering.allowance import Allowance
from models.api_key import Caller
from models.storage import queries
from models.storage.db import Row

T = TypeVar("T")


class Reading(Protocol):
    """The request that reads."""

    allowance: Allowance

    @property
    def caller(self) -> Caller:
        """Whose business is read."""

    def statement_turn(self) -> AbstractAsyncContextManager[None]:
        """When a statement may be sent: as long as the block lasts it is under way."""


class Loaders:
    """The loaders of one request or socket, made when first used."""

    def __init__(self, request: Reading) -> None:
        self._request = request
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    def forget(self) -> None:
        """Lets go of what was read: a loader keeps its last batch, and lives as long as its request."""
        self._loaders.clear()

    async def row(self, table: type[Model], row_id: UUID, columns: frozenset[str]) -> Row | None:
        """One row of the caller's business, by id."""
        business_id = self._request.caller.business_id

        async def load(ids: Sequence[UUID]) -> Mapping[UUID, Row]:
            rows = await queries.by_ids(table, business_id, set(ids), columns | {"id"})
            return {row["id"]: row for row in rows}

        return await self.one((table, columns), row_id, load)

    async def one(
        self, name: Hashable, key: Any, load: Callable[[Sequence[Any]], Awaitable[Mapping[Any, T]]]
    ) -> T | None:
        """What `load` has for a key, asked together with the other keys of this level. `name` tells loaders apart."""
        if name not in self._loaders:

            async def in_order(keys: list[Any]) -> list[T | None]:
                async with self._request.statement_turn():
                    found = await load(keys)
                return [found.get(each) for each in keys]

            self._loaders[name] = DataLoader(in_order, cache=False)
        answer: T | None = await self._loaders[name].load(key)
        # All who asked are answered at the same moment: each goes on when it is its turn.
        if self._request.allowance.is_late:
            await self._request.allowance.give_way()
        return answer

    async def many(
        self, name: Hashable, key: Any, load: Callable[[Sequence[Any]], Awaitable[Mapping[Any, Sequence[T]]]]
    ) -> Sequence[T]:
        """The list that `load` has for a key; empty when it has none."""
        return await self.one(name, key, load) or ()
