"""Batched reads: the rows that one level of an answer needs, in one statement.

A socket lives long, so nothing is remembered between batches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader
from tortoise.models import Model

from models.storage import db
from models.storage.db import Row

if TYPE_CHECKING:
    from graph.request.context import Context

T = TypeVar("T")


class Loaders:
    """The loaders of one request or socket, made when first used."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    def _turn(self) -> AbstractAsyncContextManager[None]:
        """A dear operation's turn to read; others read at once."""
        house, holder = self._context.house, self._context.holder
        return house.statements.turn(holder) if self._context.is_dear else nullcontext()

    def forget(self) -> None:
        """Lets go of what was read: a loader keeps its last batch, and lives as long as its request."""
        self._loaders.clear()

    async def row(self, table: type[Model], row_id: UUID, columns: frozenset[str]) -> Row | None:
        """One row of the caller's business, by id."""
        business_id = self._context.caller.business_id

        async def load(ids: Sequence[UUID]) -> Mapping[UUID, Row]:
            query = table.filter(business_id=business_id, id__in=list(set(ids)))
            return {row["id"]: row for row in await db.select(query, columns | {"id"})}

        return await self.one((table, columns), row_id, load)

    async def one(
        self, name: Hashable, key: Any, load: Callable[[Sequence[Any]], Awaitable[Mapping[Any, T]]]
    ) -> T | None:
        """What `load` has for a key, asked together with the other keys of this level. `name` tells loaders apart."""
        if name not in self._loaders:

            async def in_order(keys: list[Any]) -> list[T | None]:
                async with self._turn():
                    found = await load(keys)
                return [found.get(each) for each in keys]

            self._loaders[name] = DataLoader(in_order, cache=False)
        answer: T | None = await self._loaders[name].load(key)
        # All who asked are answered at the same moment: each goes on when it is its turn.
        if self._context.allowance.is_late:
            await self._context.allowance.give_way()
        return answer

    async def many(
        self, name: Hashable, key: Any, load: Callable[[Sequence[Any]], Awaitable[Mapping[Any, Sequence[T]]]]
    ) -> Sequence[T]:
        """The list that `load` has for a key; empty when it has none."""
        return await self.one(name, key, load) or ()
