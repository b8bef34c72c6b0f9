"""Inputs and payloads of mutations: what was left out, and errors beside the result."""

import dataclasses
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from tortoise.models import Model

from graph.errors import UserError, user_errors
from graph.fields.selection import columns
from graph.relay.nodes import Node
from graph.request.context import Info
from models import checks
from models.refusals import Refused
from models.storage import queries

N = TypeVar("N", bound=Node)


@strawberry.type(description="What every mutation answers, beside its result.")
class Payload:
    errors: list[UserError] = strawberry.field(
        description="Why nothing was done; empty when it was.", default_factory=list
    )


def optional(description: str) -> Any:
    """Declares an input field that may be left out; its value is then UNSET, which is not null."""
    return strawberry.field(default=strawberry.UNSET, description=description)


def given_values(source: Any, *names: str) -> dict[str, Any]:
    """Returns those of the named fields of an input that the client gave."""
    return {name: value for name in names if (value := getattr(source, name)) is not strawberry.UNSET}


def all_given_values(source: Any) -> dict[str, Any]:
    """Returns all fields that the client gave, nested ones too, without the idempotency key."""
    values = {each.name: getattr(source, each.name) for each in dataclasses.fields(source)}
    return {
        name: all_given_values(value) if dataclasses.is_dataclass(value) else value
        for name, value in values.items()
        if value is not strawberry.UNSET and name != "idempotency_key"
    }


async def payload_fields(
    info: Info, kind: type[N], table: type[Model], answer: UUID | Refused, field: str
) -> dict[str, Any]:
    """Returns the payload's fields for a verb's answer: the object that `field` shows, or the errors."""
    if isinstance(answer, Refused):
        return {"errors": user_errors(info, answer)}
    row = await queries.row(table, info.context.caller.business_id, answer, columns(info, kind, checks.camel(field)))
    # Without a row, somebody has deleted it since: the mutation succeeded, and has nothing to show.
    return {field: kind(row=row) if row else None}
