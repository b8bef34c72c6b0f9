"""What goes wrong, as clients see it: refusals they can act on in the payload, everything else as a coded error.

A fault of ours is never shown: the client gets INTERNAL with an id that stands in the log beside the traceback.
"""

import logging
from uuid import uuid4

import strawberry
from graphql import GraphQLError

from graph.languages import FORBIDDEN, say
from graph.request.context import Info, roles, unavailable
from graph.spoken import spoken
from models.enums import Role
from models.refusals import ErrorCode, Refused
from models.storage import db

log = logging.getLogger("timebok.graph")

FAULTS = frozenset({"INTERNAL", "UNAVAILABLE"})
"""The codes of what is no client's fault: the same may go well another time."""


@strawberry.type(description="One reason why a mutation did nothing. Nothing was written.")
class UserError:
    code: ErrorCode = strawberry.field(description="The reason, for programs.")
    message: str = strawberry.field(description="The reason, for people.")
    path: list[str] | None = strawberry.field(
        description='The input field it is about, from `input` on: `["input", "customer", "email"]`. '
        "Null when it is about none in particular."
    )


def user_errors(info: Info, refused: Refused) -> list[UserError]:
    """The refusals of a verb, for a payload, in the caller's language."""
    language = info.context.language
    return [
        UserError(code=each.code, message=say(each.message, each.values, language), path=list(each.path) or None)
        for each in refused.reasons
    ]


def forbidden_error(info: Info, least: Role = Role.STAFF, *path: str) -> list[UserError]:
    """The only error of a mutation that this key's role may not use, or not with the input at this path; `least` is the
    least role that may. The input is not judged.
    """
    message = say(FORBIDDEN, roles(info.context.caller, least), info.context.language)
    return [UserError(code=ErrorCode.FORBIDDEN, message=message, path=list(path) or None)]


def coded(error: GraphQLError, language: str) -> GraphQLError:
    """The error as a client may see it, in its language."""
    return spoken(_coded(error), language)


def client_error(error: Exception, language: str) -> GraphQLError:
    """What ended an operation as a client may see it, in its language. It has no path of its own."""
    if isinstance(error, GraphQLError):
        return coded(error, language)
    return spoken(_fault(error, GraphQLError("")), language)


def _coded(error: GraphQLError) -> GraphQLError:
    original: Exception | None = error
    while isinstance(original, GraphQLError):
        if (original.extensions or {}).get("code"):
            error.extensions = original.extensions
            return error
        original = original.original_error
    if original is None or error.path is None:
        # Syntax, validation, or a value that a scalar would not take.
        error.extensions = {**(error.extensions or {}), "code": "BAD_USER_INPUT"}
        return error
    return _fault(original, error)


def _fault(original: Exception, where: GraphQLError) -> GraphQLError:
    """The answer to what is no client's fault, which is logged."""
    if not db.is_away(original):
        return internal(original, where)
    log.warning("database away, or not writable, at %s: %s", where.path, original)
    away = unavailable()
    return GraphQLError(away.message, nodes=where.nodes, path=where.path, extensions=away.extensions)


def internal(original: Exception, where: GraphQLError | None = None) -> GraphQLError:
    """The answer to a fault of ours, which is logged."""
    fault, place = uuid4().hex, where or GraphQLError("")
    log.error("fault %s at %s", fault, place.path, exc_info=original)
    message = f"Something went wrong here. Mention {fault} when you ask about it."
    return GraphQLError(message, nodes=place.nodes, path=place.path, extensions={"code": "INTERNAL", "fault": fault})
