"""Errors as clients see them: refusals that a client can act on, in the payload; everything else as an error with a
code.

Clients never see a fault of ours: they get INTERNAL with an id, which the log has beside the traceback.
"""

import logging
from uuid import uuid4

import strawberry
from graphql import GraphQLError

from graph import excerpt
from graph.languages import translate
from graph.request.context import Info, only, unavailable
from graph.spoken import translate_error
from models.enums import Role
from models.refusals import ErrorCode, Refused
from models.storage import db

log = logging.getLogger("timebok.graph")

FAULTS = frozenset({"INTERNAL", "UNAVAILABLE"})
"""The codes of errors that are no client's fault; the same request may succeed another time."""


@strawberry.type(description="One reason why a mutation did nothing. Nothing was written.")
class UserError:
    code: ErrorCode = strawberry.field(description="The reason, for programs.")
    message: str = strawberry.field(description="The reason, for people.")
    path: list[str] | None = strawberry.field(
        description='The input field it is about, from `input` on: `["input", "customer", "email"]`. '
        "Null when it is about none in particular."
    )


def user_errors(info: Info, refused: Refused) -> list[UserError]:
    """Converts a verb's refusals for a payload, in the caller's language."""
    language = info.context.language
    return [
        UserError(code=each.code, message=translate(each.message, each.values, language), path=list(each.path) or None)
        for each in refused.reasons
    ]


def forbidden_error(info: Info, least: Role = Role.STAFF, *path: str) -> list[UserError]:
    """Returns the error of a mutation that this key's role may not use, or not with the input at this path. `least` is
    the lowest role that may. It is the only error, since the mutation does not validate its input then.
    """
    message = translate(only(least), {"role": info.context.caller.role}, info.context.language)
    return [UserError(code=ErrorCode.FORBIDDEN, message=message, path=list(path) or None)]


def with_code(error: GraphQLError, language: str) -> GraphQLError:
    """The error as a client may see it, in its language."""
    return translate_error(_with_code(error), language)


def client_error(error: Exception, language: str) -> GraphQLError:
    """What ended an operation as a client may see it, in its language. It has no path of its own."""
    if isinstance(error, GraphQLError):
        return with_code(error, language)
    return translate_error(_fault(error, GraphQLError("")), language)


def _with_code(error: GraphQLError) -> GraphQLError:
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
        return internal_error(original, where)
    if not db.note_unwritable(original):
        log.warning("database away at %s: %s", excerpt.path(where.path), original)
    away = unavailable()
    return GraphQLError(away.message, nodes=where.nodes, path=where.path, extensions=away.extensions)


def internal_error(original: Exception, where: GraphQLError | None = None) -> GraphQLError:
    """Logs a fault of ours and returns the error for the client."""
    fault, place = uuid4().hex, where or GraphQLError("")
    log.error("fault %s at %s", fault, excerpt.path(place.path), exc_info=original)
    message = f"Something went wrong here. Mention {fault} when you ask about it."
    return GraphQLError(message, nodes=place.nodes, path=place.path, extensions={"code": "INTERNAL", "fault": fault})
