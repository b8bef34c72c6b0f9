"""Answers by generated code: a selection of plain fields becomes one function that turns objects into an answer.

There are two of each: one that answers what is short at once, and one that answers in steps, and keeps of what it made
the bytes alone. Plain is what shows a column, an attribute, or what a resolver works out without waiting. All else, and
every fault, is graphql-core's, with the objects that are there already: no resolver that reads anything runs twice. The
code is made of the schema and of names that validation accepted, never of values.
"""

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC
from typing import Any, Final, NoReturn, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.types.field import StrawberryField

from graph.fields.declarations import (
    Attribute,
    Column,
    Identity,
    Listed,
    Part,
    Reading,
    Recurring,
    Related,
    Shown,
    shows,
)
from graph.graphql_internals import FieldDetails
from graph.rendering.json_text import Text
from graph.rendering.pieces import Few, Pieces, text_of
from graph.request.context import Context
from graph.strawberry_internals import definition_of

AtOnce: TypeAlias = Callable[[Sequence[Any], Context], list[dict[str, Any]]]
InSteps: TypeAlias = Callable[[Sequence[Any], Context, Pieces], Generator[None, None, Text]]


@dataclass(frozen=True, slots=True)
class Render:
    """Turns objects of one type into an answer, in their order."""

    at_once: AtOnce
    """Raises LongError where that takes too long."""
    in_steps: InSteps


Collect: TypeAlias = Callable[[GraphQLObjectType, list[FieldDetails]], Mapping[str, list[FieldDetails]]]
"""What is selected of a type, by the keys of the answer."""

LONGEST: Final = 20_000
"""Characters of code that is worth to be kept: what programs ask for takes less."""

_AS_THEY_ARE: Final = frozenset({"String", "ID", "Int", "Boolean"})


class NotPlainError(Exception):
    """This is graphql-core's to answer."""


@dataclass(frozen=True, slots=True)
class Asking:
    """All that a resolver which works something out may use of `info`."""

    context: Context


@dataclass(frozen=True, slots=True)
class _Object:
    """Where the code finds an object: itself, where it is there, and its row, which may lie within another's."""

    value: str | None
    row: str | None
    within: Related | None = None

    def column(self, name: str) -> str:
        """The expression for a column."""
        if self.row is None:
            raise NotPlainError
        key = self.within.column(name) if self.within else name
        return f"{self.row}[{key!r}]"


def render_of(kind: GraphQLObjectType, details: list[FieldDetails], collect: Collect, *, staff: bool) -> Render:
    """The functions for objects of a type, for staff or for the public. Raises NotPlainError."""
    at_once, in_steps = (_Code(collect, staff, in_steps=each).top(kind, details) for each in (False, True))
    return Render(at_once, in_steps)


@dataclass
class _Code:
    """The source of one function, as it is put together, and what it refers to."""

    collect: Collect
    staff: bool
    in_steps: bool
    before: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(
        default_factory=lambda: {
            "UTC": UTC,
            "none": _none,
            "Asking": Asking,
            "Few": Few,
            "text_of": text_of,
        }
    )
    count: int = 0
    _is_once: bool = False
    """Whether the code is of what is made once for many."""

    def name(self, prefix: str) -> str:
        """A name that nothing has."""
        self.count += 1
        return f"{prefix}{self.count}"

    def give(self, prefix: str, value: Any) -> str:
        """A name for a value that the code refers to."""
        name = self.name(prefix)
        self.given[name] = value
        return name

    def top(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Any:
        """The function for objects of a type."""
        item = self.name("v")
        row = self.name("r") if _has_row(kind) else None
        shown = self.object(kind, details, _Object(item, row))
        return self.function(self.many("values", item, shown, (row, f"{item}.row") if row else None))

    def function(self, expression: str) -> Any:
        """The function that returns the expression."""
        body = "\n    ".join(["asking, few = Asking(context), Few()", *self.before, f"return {expression}"])
        if len(body) > LONGEST:
            raise NotPlainError
        parameters = "values, context, pieces" if self.in_steps else "values, context"
        exec(f"def render({parameters}):\n    {body}\n", self.given)  # noqa: S102  # see the module's docstring
        return self.given["render"]

    def many(self, items: str, item: str, shown: str, more: tuple[str, str] | None = None) -> str:
        """The expression for a list of objects, of what is shown of each item; `more` names something else of it."""
        if self.in_steps and not self._is_once:
            each = self.name("each")
            self.before += [
                f"def {each}(items):",
                "    made = pieces.list()",
                f"    for {item} in items:",
                *([f"        {more[0]} = {more[1]}"] if more else []),
                f"        made.add({shown})",
                "        yield",
                "    return made.done()",
            ]
            return f"(yield from {each}({items}))"
        taken = items if self._is_once else f"few({items})"
        named = f" for {more[0]} in ({more[1]},)" if more else ""
        return f"[{shown} for {item} in {taken}{named}]"

    def object(self, kind: GraphQLObjectType, details: list[FieldDetails], source: _Object) -> str:
        """The expression for an object."""
        return (
            "{"
            + ", ".join(
                f"{key!r}: {self.field(kind, inner, source)}" for key, inner in self.collect(kind, details).items()
            )
            + "}"
        )

    def field(self, kind: GraphQLObjectType, details: list[FieldDetails], source: _Object) -> str:
        """The expression for a field of an object."""
        name = details[0].node.name.value
        if name == "__typename":
            return repr(kind.name)
        returned = kind.fields[name].type
        definition: StrawberryField = _definition(kind.fields[name])
        match shows(definition):
            case Column(_, staff) | Part(_, staff) if staff and not self.staff:
                return "None" if not is_non_null_type(returned) else "none()"
            case Column(column):
                return self.value(returned, details, source.column(column))
            case Identity(make):
                return f"{self.give('make', make)}({kind.name!r}, {source.column('id')})"
            case Part():
                return self.object(_object_type(returned), details, _Object(None, source.row, source.within))
            case Related() as other:
                return self.related(other, returned, details, source)
            case Recurring(keys, mapping):
                return self.recurring(f"{_value_of(source)}.{keys}", f"{source.value}.{mapping}", returned, details)
            case Listed():
                return self.listed(returned, details, source)
            case Attribute(attribute):
                return self.value(returned, details, f"{_value_of(source)}.value.{attribute}")
            case shown:
                return self.value(returned, details, self.resolved(kind, definition, shown, source))

    def value(self, returned: GraphQLOutputType, details: list[FieldDetails], expression: str) -> str:
        """The expression for a value of a type."""
        kind = get_nullable_type(returned)
        if is_leaf_type(kind) and kind.name in _AS_THEY_ARE and not is_non_null_type(returned):
            return expression
        name = self.name("x")
        if is_list_type(kind):
            # No name can be bound where a comprehension takes its items from.
            item = self.name("x")
            each = self.value(kind.of_type, details, item)
            is_plain = is_leaf_type(get_nullable_type(kind.of_type))
            shown = f"[{each} for {item} in {name}]" if is_plain else self.many(name, item, each)
        elif is_object_type(kind):
            row = self.name("r") if _has_row(kind) else None
            shown = self.object(kind, details, _Object(name, row))
            shown = f"({shown} if ({row} := {name}.row) is not None else none())" if row else shown
        elif is_leaf_type(kind):
            shown = self.leaf(kind, name)
        else:
            raise NotPlainError
        missing = "none()" if is_non_null_type(returned) else "None"
        return f"({shown} if ({name} := {expression}) is not None else {missing})"

    def leaf(self, kind: GraphQLLeafType, name: str) -> str:
        """The expression for a value that is there."""
        if kind.name in _AS_THEY_ARE:
            return name
        if kind.name == "DateTime":
            return f"({name} if {name}.tzinfo is UTC else {name}.astimezone(UTC))"
        if isinstance(kind, GraphQLEnumType):
            names = {value.value: name for name, value in kind.values.items()}
            return f"{self.give('names', names)}[{name}]"
        return f"{self.give('leaf', kind.coerce_output_value)}({name})"

    def related(self, other: Related, returned: GraphQLOutputType, details: list[FieldDetails], source: _Object) -> str:
        """The expression for the row that a row points at: one for all that point at it."""
        if source.within:
            raise NotPlainError
        shown = self.shared(returned, details, _Object(None, "row", other))
        key = source.column(f"{other.relation}_id")
        return self.once(key, f"[{shown}]" if other.listed else shown, "row", source.row or "")

    def recurring(self, keys: str, mapping: str, returned: GraphQLOutputType, details: list[FieldDetails]) -> str:
        """The expression for a list of objects, each made once for all lists that have it."""
        key = self.name("k")
        shown = self.shared(returned, details, _Object("value", "value.row"))
        made = self.once(key, shown, "value", f"{mapping}[{key}]")
        return f"[{made} for {key} in few({keys})]" if not self.in_steps else f"[{made} for {key} in {keys}]"

    def shared(self, returned: GraphQLOutputType, details: list[FieldDetails], source: _Object) -> str:
        """The expression for an object that is made once for many."""
        before, self._is_once = self._is_once, True
        shown = self.object(_object_type(returned), details, source)
        self._is_once = before
        return shown

    def once(self, key: str, shown: str, parameter: str, given: str) -> str:
        """The expression for what is made once for each key, of what is given for the parameter."""
        known, make = self.name("known"), self.name("make")
        self.before += [
            f"{known} = {{}}",
            f"def {make}(key, {parameter}):",
            f"    {known}[key] = made = {f'text_of({shown})' if self.in_steps else shown}",
            "    return made",
        ]
        return f"({known}.get({key}) or {make}({key}, {given}))"

    def listed(self, returned: GraphQLOutputType, details: list[FieldDetails], source: _Object) -> str:
        """The expression for the rows of a page."""
        row = self.name("r")
        shown = self.object(_object_type(returned), details, _Object(None, row))
        return self.many(f"{_value_of(source)}.page.rows", row, shown)

    def resolved(
        self, kind: GraphQLObjectType, definition: StrawberryField, shown: Shown | None, source: _Object
    ) -> str:
        """The expression for what a resolver returns, or for an attribute without one."""
        resolver = definition.base_resolver
        if resolver is None:
            return f"{_value_of(source)}.{definition.python_name}"
        if definition.is_async or definition.arguments:
            raise NotPlainError
        value = source.value
        if value is None and isinstance(shown, Reading):
            row = source.row
            if source.within:
                row = "{" + ", ".join(f"{name!r}: {source.column(name)}" for name in shown.columns) + "}"
            value = f"{self.give('kind', _class_of(kind))}(row={row})"
        if value is None:
            raise NotPlainError
        function: Any = resolver.wrapped_func
        takes = list(inspect.signature(function).parameters)
        if takes[1:] not in ([], ["info"]):
            raise NotPlainError
        asking = ", asking" if takes[1:] else ""
        return f"{self.give('resolve', function)}({value}{asking})"


def _none() -> NoReturn:
    """Nothing is there where something must be: graphql-core knows what to say of it."""
    raise NotPlainError


def _has_row(kind: GraphQLObjectType) -> bool:
    """Whether objects of a type are views of a row."""
    return any(each.name == "row" for each in fields(_class_of(kind)))


def _class_of(kind: GraphQLObjectType) -> Any:
    return _definition(kind).origin


def _definition(of: GraphQLObjectType | GraphQLField) -> Any:
    """What Strawberry knows of a type or field. The types that show the schema are not its own."""
    found = definition_of(of)
    if found is None:
        raise NotPlainError
    return found


def _object_type(kind: GraphQLOutputType) -> GraphQLObjectType:
    """What a field shows, alone or in a list."""
    found = get_named_type(kind)
    if not is_object_type(found):
        raise NotPlainError
    return found


def _value_of(source: _Object) -> str:
    if source.value is None:
        raise NotPlainError
    return source.value
