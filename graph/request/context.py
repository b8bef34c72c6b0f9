"""What a resolver may use: who asks, the door to Google, this process's settings, and the batched loaders.

One per HTTP request, one per socket, and one per subscription that runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import strawberry
from graphql import GraphQLError

from graph.complexity.values import too_many
from graph.documents.cache import Documents
from graph.documents.document import Document, Operation
from graph.feeds.slot_feed import Offers
from graph.languages import FORBIDDEN
from graph.limits.cost_budget import CostBudget
from graph.limits.space import Space
from graph.limits.turns import Turns
from graph.rendering.allowance import Allowance
from graph.request.loaders import Loaders
from models.api_key import Caller
from models.enums import Role
from models.settings import Settings
from models.storage.secrets import Secrets
from sync.service import Google

COST_AT_ONCE = 1_500_000
"""What the queries that a process works at may cost together."""


STATEMENTS_AT_ONCE = 2
"""Statements of dear operations that are under way together."""

CHEAP = 500
"""An operation that may cost less is not dear: it waits for no turn."""


@dataclass(frozen=True, slots=True)
class AppState:
    """What the whole process shares: made once by the composition root."""

    settings: Settings
    secrets: Secrets
    google: Google
    spending: CostBudget
    documents: Documents
    under_way: set[asyncio.Future[Any]] = field(default_factory=set)
    offers: Offers = field(default_factory=Offers)
    room: Turns = field(default_factory=lambda: Turns(COST_AT_ONCE))
    """For queries: by what they may cost, so that what is read and worked out for them is not much at once."""
    statements: Turns = field(default_factory=lambda: Turns(STATEMENTS_AT_ONCE))
    """For what dear operations read: SQLite takes statements one by one, and those of others come in between."""
    space: Space = field(default_factory=Space)
    """For answers: by the bytes that they have so far."""


@dataclass
class Context:
    """One request's or one socket's view of the process. `who` is None until a key was shown; `address` is None where
    limits by address do not apply.
    """

    state: AppState
    who: Caller | None = None
    language: str = "en"
    address: str | None = None
    connection_params: dict[str, Any] | None = None
    last_event_id: str | None = None
    document: Document | None = None
    """The document that runs, as it is remembered."""
    cost: int = 0
    """What the operation that runs was counted as."""
    heard: Callable[[], Awaitable[Any]] | None = None
    """What else the client says: an ASGI `receive`, where that tells of its going."""
    ready: Callable[[], Coroutine[Any, Any, Any] | None] | None = None
    """What to wait for until the client is not behind with reading; None when it is not. For who asks by HTTP."""
    loaders: Loaders = field(init=False)
    allowance: Allowance = field(init=False)
    """What the answer that is being made may still take."""
    _memo: dict[Hashable, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self)
        self.allowance = Allowance(self.state.settings.answer_bytes, self.state.space)

    def admit(self, operation: Operation, variables: Mapping[str, Any] | None) -> GraphQLError | None:
        """Counts what an operation may cost; the refusal when that is too much, or its variables are too many."""
        if variables and (refusal := too_many(variables)):
            return refusal
        self.cost = operation.cost.of(variables)
        return self.state.spending.admit(self, self.cost)

    @property
    def is_dear(self) -> bool:
        """Whether the operation that runs waits for turns."""
        return self.cost >= CHEAP

    def statement_turn(self) -> AbstractAsyncContextManager[None]:
        """A dear operation's turn to send a statement; others send theirs at once."""
        return self.state.statements.turn(self.holder) if self.is_dear else nullcontext()

    @property
    def memo(self) -> Mapping[Hashable, Any]:
        """What was worked out from the nodes of the document that runs."""
        return self.document.memo if self.document else self._memo

    def remember(self, name: Hashable, value: Any, size: int) -> None:
        """Keeps what was worked out from nodes of the document for as long as the document; it takes `size` bytes."""
        if self.document:
            self.document.memo[name] = value
            self.grow(size)
        else:
            self._memo[name] = value

    def grow(self, size: int) -> None:
        """What is kept with the document takes so many bytes more."""
        if self.document:
            self.state.documents.grow(self.document, size)

    @property
    def caller(self) -> Caller:
        """Who asks. Raises UNAUTHENTICATED when no key was shown."""
        if self.who is None:
            raise unauthenticated()
        return self.who

    @property
    def counted_address(self) -> str | None:
        """The address that what is asked counts for: of public keys only, since staff may share an office."""
        return self.address if self.who and not self.who.is_staff else None

    @property
    def holder(self) -> Hashable:
        """Who takes turns with others: a key, and with a public key or none the address too."""
        return (self.who.key_id, self.counted_address) if self.who else (None, self.address)

    @property
    def veiled_address(self) -> str | None:
        """What stands for the counted address where it is stored: nobody can read the address from it."""
        address = self.counted_address
        return None if address is None else self.state.secrets.veil(f"address {address}")


Info: TypeAlias = strawberry.Info[Context, None]


def unauthenticated() -> GraphQLError:
    """The answer to a request without a valid key."""
    message = "Send a valid API key: `Authorization: Bearer <key>`."
    return GraphQLError(message, extensions={"code": "UNAUTHENTICATED"})


def forbidden(caller: Caller, least: Role) -> GraphQLError:
    """The answer to a query that this key's role may not make; `least` is the least role that may."""
    return GraphQLError(FORBIDDEN.format(**roles(caller, least)), extensions={"code": "FORBIDDEN"})


def roles(caller: Caller, least: Role) -> dict[str, str]:
    """What FORBIDDEN says: the role of the key, and those that may."""
    return {"role": caller.role, "allowed": "ADMIN" if least is Role.ADMIN else "STAFF, ADMIN"}


def unavailable() -> GraphQLError:
    """The answer while the database cannot be reached, or takes no writes."""
    return GraphQLError("Not available just now.", extensions={"code": "UNAVAILABLE", "retryAfterSeconds": 5})


def bad_input(message: str) -> GraphQLError:
    """The answer to an argument of a query or subscription that makes no sense."""
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def admin(info: Info) -> Caller:
    """The caller, who must be an admin. Raises FORBIDDEN."""
    caller = info.context.caller
    if caller.role is not Role.ADMIN:
        raise forbidden(caller, Role.ADMIN)
    return caller


def staff(info: Info) -> Caller:
    """The caller, who must be staff. Raises FORBIDDEN."""
    caller = info.context.caller
    if not caller.is_staff:
        raise forbidden(caller, Role.STAFF)
    return caller
