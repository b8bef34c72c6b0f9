"""The context of resolvers: the caller, the process's shared state, and the batched loaders.

There is one for each HTTP request, one for each socket, and one for each subscription that runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import strawberry
from graphql import GraphQLError

from graph.complexity.values import too_many_values
from graph.documents.cache import Documents
from graph.documents.document import Document, Operation
from graph.feeds.slot_feed import Offers
from graph.languages import ONLY_ADMIN, ONLY_STAFF
from graph.limits.cost_budget import CostBudget
from graph.limits.space import Space
from graph.limits.turns import Holder, Turns
from graph.rendering.allowance import Allowance
from graph.request.loaders import Loaders
from models.api_key import Caller
from models.enums import Role
from models.settings import Settings
from models.storage.secrets import Secrets
from sync.service import Google

COST_AT_ONCE = 1_500_000
"""The most cost of the queries that a process runs at once."""

HEAVY = 375_000
"""What an operation counts as at least in that, however little it may show: it reads. So four run at once at most."""

LIGHT = 20_000
"""Operations that cost less have a room of their own, in which they wait for each other only."""

LIGHT_AT_ONCE = 4
"""How many of those run at once."""

STATEMENTS_AT_ONCE = 2
"""How many statements of operations that are not light run at once."""

CHEAP = 500
"""The cost from which an operation is dear, so that it waits for a turn."""


@dataclass(frozen=True, slots=True)
class AppState:
    """The state that all requests of the process share. `graph.server.app` makes it once."""

    settings: Settings
    secrets: Secrets
    google: Google
    spending: CostBudget
    documents: Documents
    under_way: set[asyncio.Future[Any]] = field(default_factory=set)
    offers: Offers = field(default_factory=Offers)
    room: Turns = field(default_factory=lambda: Turns(COST_AT_ONCE))
    """Turns for queries, weighed by cost, so that they do not need much memory at once."""
    light_room: Turns = field(default_factory=lambda: Turns(LIGHT_AT_ONCE))
    """Turns for queries that cost little."""
    statements: Turns = field(default_factory=lambda: Turns(STATEMENTS_AT_ONCE))
    """Turns for statements of operations that are not light. SQLite runs one at a time; others' come in between."""
    space: Space = field(default_factory=Space)
    """The memory of answers, by the bytes that they have so far."""


@dataclass
class Context:
    """One request's or socket's context. `who` is None without a valid key, `address` where no limit counts by it."""

    state: AppState
    who: Caller | None = None
    language: str = "en"
    address: str | None = None
    connection_params: dict[str, Any] | None = None
    last_event_id: str | None = None
    document: Document | None = None
    """The document that runs, from the cache."""
    cost: int = 0
    """The cost of the operation that runs."""
    heard: Callable[[], Awaitable[Any]] | None = None
    """An ASGI `receive` that tells when the client goes; None where that is noticed in another way."""
    ready: Callable[[], Coroutine[Any, Any, Any] | None] | None = None
    """Over HTTP: returns what to wait for until the client has read enough; None when it is not behind."""
    loaders: Loaders = field(init=False)
    allowance: Allowance = field(init=False)
    """The bytes and the time that the current answer may still use."""
    _memo: dict[Hashable, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self)
        self.allowance = Allowance(self.state.settings.answer_bytes, self.state.space)

    def admit(self, operation: Operation, variables: Mapping[str, Any] | None) -> GraphQLError | None:
        """Counts what an operation may cost. Returns an error when that is too much, or the variables are too many."""
        if variables and (refusal := too_many_values(variables)):
            return refusal
        self.cost = operation.cost.of(variables)
        return self.state.spending.admit(self, self.cost)

    def spend(self, cost: int) -> None:
        """Takes what an operation costs besides what was counted before it ran. Raises RATE_LIMITED when less is
        left.
        """
        if cost and (refusal := self.state.spending.take(self, cost)):
            raise refusal

    @property
    def is_dear(self) -> bool:
        """Whether the operation that runs waits for a turn."""
        return self.cost >= CHEAP

    def statement_turn(self) -> AbstractAsyncContextManager[None]:
        """Waits for a turn to send a statement; operations that cost little, of which few run, send theirs at once."""
        return self.state.statements.turn(self.holder) if self.cost >= LIGHT else nullcontext()

    @property
    def memo(self) -> Mapping[Hashable, Any]:
        """What code has computed from nodes of the document that runs, by name."""
        return self.document.memo if self.document else self._memo

    def remember(self, name: Hashable, value: Any, size: int) -> None:
        """Keeps a value computed from nodes of the document as long as the document is cached. `size` is in bytes."""
        if self.document:
            self.document.memo[name] = value
            self.grow(size)
        else:
            self._memo[name] = value

    def grow(self, size: int) -> None:
        """Counts `size` more bytes for what is kept with the document."""
        if self.document:
            self.state.documents.grow(self.document, size)

    @property
    def caller(self) -> Caller:
        """The caller. Raises UNAUTHENTICATED without a valid key."""
        if self.who is None:
            raise unauthenticated()
        return self.who

    @property
    def counted_address(self) -> str | None:
        """The address that the request counts for: with public keys only, since staff may share an office's address."""
        return self.address if self.who and not self.who.is_staff else None

    @property
    def holder(self) -> Holder:
        """Who takes turns with others: a key; with a public key, or without one, also the address."""
        return Holder(self.who.key_id, self.counted_address) if self.who else Holder(None, self.address)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Waits until there is room for what the operation that runs may cost, each holder in turn."""
        if self.cost < LIGHT:
            return self.state.light_room.turn(self.holder)
        return self.state.room.turn(self.holder, max(self.cost, HEAVY))

    @property
    def veiled_address(self) -> str | None:
        """A keyed hash of the counted address, to be stored in its place."""
        address = self.counted_address
        return None if address is None else self.state.secrets.veil(f"address {address}")


Info: TypeAlias = strawberry.Info[Context, None]


def unauthenticated() -> GraphQLError:
    """Builds the error for a request without a valid key."""
    message = "Send a valid API key: `Authorization: Bearer <key>`."
    return GraphQLError(message, extensions={"code": "UNAUTHENTICATED"})


def forbidden(caller: Caller, least: Role) -> GraphQLError:
    """The answer to a query that this key's role may not make; `least` is the least role that may."""
    return GraphQLError(only(least).format(role=caller.role), extensions={"code": "FORBIDDEN"})


def only(least: Role) -> str:
    """The sentence that names a key's role, and those that may: `least` is the least of them."""
    return ONLY_ADMIN if least is Role.ADMIN else ONLY_STAFF


def unavailable() -> GraphQLError:
    """Builds the error for a time when the database cannot be reached, or takes no writes."""
    return GraphQLError("Not available just now.", extensions={"code": "UNAVAILABLE", "retryAfterSeconds": 5})


def bad_input(message: str) -> GraphQLError:
    """Builds the error for a wrong argument of a query or a subscription."""
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def admin(info: Info) -> Caller:
    """Returns the caller. Raises FORBIDDEN unless the key's role is ADMIN."""
    caller = info.context.caller
    if caller.role is not Role.ADMIN:
        raise forbidden(caller, Role.ADMIN)
    return caller


def staff(info: Info) -> Caller:
    """Returns the caller. Raises FORBIDDEN unless the key's role is STAFF or ADMIN."""
    caller = info.context.caller
    if not caller.is_staff:
        raise forbidden(caller, Role.STAFF)
    return caller
