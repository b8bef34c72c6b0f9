"""Batched reads: loads the rows that one level of an answer needs with one statement.

It caches nothing between batches, since a socket lives long.
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
    """What loaders need of the request that reads."""

    allowance: Allowance

    @property
    def caller(self) -> Caller:
        """The caller, whose business the loaders read."""

    def statement_turn(self) -> AbstractAsyncContextManager[None]:
        """Waits for a turn to send a statement; the turn lasts as long as the block."""


class Loaders:
    """The loaders of one request or socket. Makes each when it is first used."""

    def __init__(self, request: Reading) -> None:
        self._request = request
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    def forget(self) -> None:
        """Frees the rows that it has read: a loader keeps its last batch as long as it lives."""
        self._loaders.clear()

    async def row(self, table: type[Model], row_id: UUID, columns: frozenset[str]) -> Row | None:
        """Reads one row of the caller's business, by id."""
        business_id = self._request.caller.business_id

        async def load(ids: Sequence[UUID]) -> Mapping[UUID, Row]:
            rows = await queries.by_ids(table, business_id, set(ids), columns | {"id"})
            return {row["id"]: row for row in rows}

        return await self.one((table, columns), row_id, load)

    async def one(
        self, name: Hashable, key: Any, load: Callable[[Sequence[Any]], Awaitable[Mapping[Any, T]]]
    ) -> T | None:
        """Returns what `load` returns for a key, in one batch for all keys of this level of calls with an equal
        `name`.
        """
        if name not in self._loaders:

            async def in_order(keys: list[Any]) -> list[T | None]:
                async with self._request.statement_turn():
                    found = await load(keys)
                return [found.get(each) for each in keys]

            self._loaders[name] = DataLoader(in_order, cache=False)
        answer: T | None = await self._loaders[name].load(key)
        # A batch wakes all its callers at the same moment; each gives way to other requests if that takes too long.
        if self._request.allowance.is_late:
            await self._request.allowance.give_way()
        return answer

    async def many(
        self, name: Hashable, key: Any, load: Callable[[Sequence[Any]], Awaitable[Mapping[Any, Sequence[T]]]]
    ) -> Sequence[T]:
        """Returns the list that `load` returns for a key; an empty one when it has none."""
        return await self.one(name, key, load) or ()
