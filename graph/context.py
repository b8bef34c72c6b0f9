"""What a resolver may use: who asks, the door to Google, this process's settings, and the batched loaders.

One per HTTP request, one per socket, and one per subscription that runs.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import strawberry
from graphql import GraphQLError

from graph.languages import FORBIDDEN
from graph.loaders import Loaders
from graph.server.course import Course
from graph.server.known import KnownDocuments
from graph.server.reader import Readers
from models.key import Caller
from models.secret import Secrets
from models.settings import Settings
from models.words import Role
from sync.service import Google


@dataclass(frozen=True, slots=True)
class House:
    """What the whole process shares: made once by the composition root."""

    settings: Settings
    secrets: Secrets
    google: Google
    readers: Readers
    under_way: set[asyncio.Future[Any]] = field(default_factory=set)
    documents: KnownDocuments = field(default_factory=KnownDocuments)


@dataclass
class Context:
    """One request's or one socket's view of the house. `who` is None until a key was shown."""

    house: House
    who: Caller | None = None
    language: str = "en"
    address: str = ""
    connection_params: dict[str, Any] | None = None
    last_event_id: str | None = None
    following: Course | None = None
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self)

    @property
    def course(self) -> Course:
        """Where the subscription that runs is in the log."""
        if self.following is None:
            raise LookupError("only subscriptions have a course")
        return self.following

    @property
    def caller(self) -> Caller:
        """Who asks. Raises UNAUTHENTICATED when no key was shown."""
        if self.who is None:
            raise unauthenticated()
        return self.who


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
    """The answer while the database cannot be reached."""
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
