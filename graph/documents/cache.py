"""Documents that were asked for lately: clients send few, again and again. Bounded in bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from graphql import GraphQLSchema

from graph.documents.document import BYTES_PER_CHARACTER, Document, read
from graph.limits.turns import Turns

T = TypeVar("T")

KEPT_BYTES: Final = 32 * 1024 * 1024
"""Bytes of all documents that a process remembers."""

LONGEST: Final = 20_000
"""Characters of a document that is remembered: what programs send is shorter."""

SHORT: Final = 200
"""Characters of a document that is read at once. A longer one is read in a thread, so that others get their turn."""

assert LONGEST * BYTES_PER_CHARACTER * 8 < KEPT_BYTES


class Documents:
    """The documents that one process remembers, by their text."""

    def __init__(self, *, introspection: bool = True, kept_bytes: int = KEPT_BYTES) -> None:
        self._introspection = introspection
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._turns = Turns(1)
        self.bytes = 0

    def find(self, text: str) -> Document | None:
        """A document that is remembered."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
        return document

    async def parsed(self, text: str, sender: Hashable) -> Document:
        """A document, remembered or read now. Of one sender's long documents one is read at a time."""
        if document := self.find(text):
            return document
        return self._keep(read(text) if len(text) <= SHORT else await self.in_turn(sender, read, text))

    async def checked(self, document: Document, schema: GraphQLSchema, sender: Hashable) -> Document:
        """The same document, of which it is known now whether it is valid."""
        if document.errors is None and document.tree is not None:
            if len(document.text) <= SHORT:
                self._check(document, schema)
            else:
                await self.in_turn(sender, self._check, document, schema)
        return document

    def grow(self, document: Document, size: int) -> None:
        """Something was worked out from a document that takes so many bytes."""
        document.written += size
        if self._kept.get(document.text) is document:
            self.bytes += size
            self._make_room()

    async def in_turn(self, sender: Hashable, work: Callable[..., T], *given: Any) -> T:
        """Does a sender's work in a thread: one piece at a time, and each sender's in turn."""
        async with self._turns.turn(sender):
            return await asyncio.to_thread(work, *given)

    def _check(self, document: Document, schema: GraphQLSchema) -> None:
        document.check(schema, introspection=self._introspection)

    def _keep(self, document: Document) -> Document:
        """Remembers a document, and forgets those asked for longest ago."""
        if len(document.text) > LONGEST or document.text in self._kept:
            return self._kept.get(document.text, document)
        self._kept[document.text] = document
        self.bytes += document.size
        self._make_room()
        return document

    def _make_room(self) -> None:
        while self.bytes > self._kept_bytes and self._kept:
            _, forgotten = self._kept.popitem(last=False)
            self.bytes -= forgotten.size
