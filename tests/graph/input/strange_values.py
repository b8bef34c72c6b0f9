"""Strange values for every variable of the clients' operations, derived from the schema: what is new is tried, too."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeNode,
    build_schema,
    is_input_type,
    parse,
    type_from_ast,
    validate,
)

from tests.operations import operations

Where = tuple[str, ...]
Strange = tuple[Where, Any, Any, bool]
Usual = Callable[[str], Any]
Ids = Callable[[str], Sequence[str]]

ALSO = {"CreateBookingInput": ("serviceId", "start")}
"""What makes sense of an input beside what its type demands."""

WRONG: dict[str, tuple[Any, ...]] = {
    "ID": (True, 1.5, {}, [[]]),
    "String": (5, True, {}, ["a", "b"]),
    "Int": ("60", 1.5, 2**31, -(2**31) - 1, True, {}),
    "Boolean": ("true", 1, {}),
    "DateTime": ("2100-01-04T09:00:00", "2100-01-04", "yesterday", "", "2100-02-30T09:00:00Z", 4102477200, {}, "\0"),
    "Date": ("2027-02-30", "2027-02-01T00:00:00Z", "", 20270201, {}, "\ud800"),
    "LocalTime": ("24:00", "9", "09:60", "", 9, {}, "０９:００"),
    "TimeZone": ("Mars/Olympus", "", "../UTC", 5, {}, "\0"),
    "Cursor": (5, True, {}),
}
"""What no value of a type is: refused as BAD_USER_INPUT, whoever asks."""

STRANGE: dict[str, tuple[Any, ...]] = {
    "String": (
        "",
        " \t",
        "👩🏽‍⚕️ \u202eرمز",
        "a\0b",
        "\ud800",
        "x" * 100_000,
        "' OR 1=1 --",
        "{customer_name.x} {{{",
        "\r\n",
    ),
    "Int": (0, -1, 2**31 - 1, -(2**31)),
    "DateTime": (
        "1972-01-01T00:00:00Z",
        "2199-12-31T23:59:59+14:00",
        "2027-03-28T02:30:00.123456789+01:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ),
    "Date": ("0001-01-01", "9999-12-31", "2028-02-29"),
    "LocalTime": ("00:00", "23:59"),
    "TimeZone": ("Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"),
    "Cursor": ("", "nonsense", "\0", "\ud800", "9" * 500),
}
"""What is of a type, and not what anybody expects: answered or refused, never a fault."""

UNKNOWN_IDS = ("", "nonsense", "a\0b", "\ud800", "Qm9va2luZzo=", "T3B0aW9uOng", "x" * 5000, "-1")


@dataclass(frozen=True)
class Attempt:
    """One operation with one strange value in it."""

    operation: str
    where: Where
    value: Any
    variables: dict[str, Any]
    wrong: bool

    def __str__(self) -> str:
        return f"{self.operation} {'.'.join(self.where)} = {str(self.value)[:40]!r}"


@cache
def schema() -> GraphQLSchema:
    """The schema as it is printed."""
    return build_schema((Path(__file__).parents[3] / "schema.graphql").read_text())


@cache
def known() -> dict[str, OperationDefinitionNode]:
    """The clients' operations that the schema has, by name."""
    found = {}
    for name, document in operations().items():
        tree = parse(document)
        if not validate(schema(), tree):
            (found[name],) = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    return found


def attempts(operation: str, usual: Usual, ids: Ids) -> Iterator[Attempt]:
    """Every strange value for every variable of an operation, with what else it needs as usual.

    `usual` says what a client would give under a name, `ids` which odd ids to try there.
    """
    kinds = {each.variable.name.value: _kind(each.type) for each in known()[operation].variable_definitions or ()}
    for name, kind in kinds.items():
        for where, value, built, wrong in _strange(name, kind, usual, ids):
            others = {each: _usual(each, its, usual) for each, its in kinds.items() if isinstance(its, GraphQLNonNull)}
            yield Attempt(operation, (name, *where), value, {**others, name: built}, wrong)


def ordinary(operation: str, usual: Usual) -> dict[str, Any]:
    """What a client would send with an operation: only what it needs."""
    kinds = {each.variable.name.value: _kind(each.type) for each in known()[operation].variable_definitions or ()}
    return {name: _usual(name, kind, usual) for name, kind in kinds.items() if isinstance(kind, GraphQLNonNull)}


def _kind(node: TypeNode) -> GraphQLInputType:
    kind = type_from_ast(schema(), node)
    assert is_input_type(kind)
    return kind


def _usual(name: str, kind: GraphQLInputType, usual: Usual) -> Any:
    """What a client would give: of an input only what it needs."""
    if isinstance(kind, GraphQLNonNull):
        return _usual(name, kind.of_type, usual)
    if isinstance(kind, GraphQLList):
        return [_usual(name, kind.of_type, usual)]
    if isinstance(kind, GraphQLInputObjectType):
        needed = [field for field, each in kind.fields.items() if isinstance(each.type, GraphQLNonNull)]
        needed += ALSO.get(kind.name, ())
        return {field: _usual(field, kind.fields[field].type, usual) for field in needed}
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    return usual(name)


def _strange(name: str, kind: GraphQLInputType, usual: Usual, ids: Ids) -> Iterator[Strange]:
    """Where in a variable, what, the whole variable with it, and whether no value of the type is like that."""
    if isinstance(kind, GraphQLNonNull):
        yield (), None, None, True
        yield from _strange(name, kind.of_type, usual, ids)
    elif isinstance(kind, GraphQLList):
        yield (), [], [], False
        yield (), "a thousand", [_usual(name, kind.of_type, usual)] * 1000, False
        for where, value, built, wrong in _strange(name, kind.of_type, usual, ids):
            yield where, value, [built], wrong
    elif isinstance(kind, GraphQLInputObjectType):
        no_inputs: tuple[Any, ...] = ("text", 5, [1], {"nonsense": 1})
        yield from (((), value, value, True) for value in no_inputs)
        for field, each in kind.fields.items():
            for where, value, built, wrong in _strange(field, each.type, usual, ids):
                yield (field, *where), value, {**_usual(name, kind, usual), field: built}, wrong
    elif isinstance(kind, GraphQLEnumType):
        no_names: tuple[Any, ...] = ("NONSENSE", "", 5, {})
        yield from (((), value, value, True) for value in no_names)
        yield from (((), value, value, False) for value in kind.values)
    else:
        yield from (((), value, value, True) for value in WRONG[kind.name])
        odd = ids(name) if kind.name == "ID" else STRANGE.get(kind.name, ())
        yield from (((), value, value, False) for value in odd)
