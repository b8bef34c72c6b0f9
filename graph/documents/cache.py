"""The cache of documents, since clients send a few documents again and again. Limited in bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, TypeVar

from graphql import GraphQLSchema

from graph.documents.document import BYTES_PER_CHARACTER, Document, parse_document
from graph.limits.turns import Holder, Turns

T = TypeVar("T")

KEPT_BYTES: Final = 32 * 1024 * 1024
"""The most bytes of all cached documents of a process."""

LONGEST: Final = 20_000
"""The longest document that it caches, in characters. What programs send is shorter."""

SHORT: Final = 200
"""The longest document, in characters, that it parses at once; it parses a longer one in a thread."""

assert LONGEST * BYTES_PER_CHARACTER * 8 < KEPT_BYTES


class Documents:
    """The documents that one process caches, by their text."""

    def __init__(self, *, introspection: bool = True, kept_bytes: int = KEPT_BYTES) -> None:
        self._introspection = introspection
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._turns = Turns(1)
        self.bytes = 0

    def find(self, text: str) -> Document | None:
        """Returns a cached document; None when it is not in the cache."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
        return document

    async def parsed(self, text: str, sender: Holder) -> Document:
        """Returns a document from the cache, or parses it. Parses one long document of a sender at a time."""
        if document := self.find(text):
            return document
        return self._keep(
            parse_document(text) if len(text) <= SHORT else await self.in_turn(sender, parse_document, text)
        )

    async def checked(self, document: Document, schema: GraphQLSchema, sender: Holder) -> Document:
        """Validates a document, unless that is done already, and returns it."""
        if document.errors is None and document.tree is not None:
            if len(document.text) <= SHORT:
                self._check(document, schema)
            else:
                await self.in_turn(sender, self._check, document, schema)
        return document

    def grow(self, document: Document, size: int) -> None:
        """Counts `size` more bytes for something computed from a document."""
        document.written += size
        if self._kept.get(document.text) is document:
            self.bytes += size
            self._make_room()

    async def in_turn(self, sender: Holder, work: Callable[..., T], *given: Any) -> T:
        """Runs a sender's work in a thread. One piece of work runs at a time, and senders take turns."""
        async with self._turns.turn(sender):
            return await asyncio.to_thread(work, *given)

    def _check(self, document: Document, schema: GraphQLSchema) -> None:
        document.check(schema, introspection=self._introspection)

    def _keep(self, document: Document) -> Document:
        """Adds a document to the cache, and drops those that were used longest ago."""
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
