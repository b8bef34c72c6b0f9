"""The compiler: makes a Python function of a selection of plain fields, which turns objects into an answer.

It makes two for each selection: one that answers a short list at once, and one that answers in steps, and keeps only
the encoded bytes. A field is plain if it shows a column, an attribute, or what a resolver computes without awaiting.
graphql-core executes all other fields, and every selection in which a function fails, with the same objects, so that no
resolver reads anything twice. The code has only names from the schema and from validated documents, never values.
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
    declaration_of,
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
    """The two functions that turn objects of one type into an answer, in their order."""

    at_once: AtOnce
    """Raises LongError for more objects than it may render at once."""
    in_steps: InSteps


Collect: TypeAlias = Callable[[GraphQLObjectType, list[FieldDetails]], Mapping[str, list[FieldDetails]]]
"""Returns the selected fields of a type, by the keys of the answer."""

LONGEST: Final = 20_000
"""The longest code that it compiles, in characters. What programs ask for needs less."""

_AS_THEY_ARE: Final = frozenset({"String", "ID", "Int", "Boolean"})


class NotPlainError(Exception):
    """graphql-core must execute this selection, since it is not plain."""


@dataclass(frozen=True, slots=True)
class ResolverInfo:
    """What the compiled code passes to resolvers as `info`: they may use nothing but the context."""

    context: Context


@dataclass(frozen=True, slots=True)
class _Object:
    """The expressions for an object: for itself, if it exists, and for its row, which may be part of another's row."""

    value: str | None
    row: str | None
    within: Related | None = None

    def column(self, name: str) -> str:
        """Returns the expression for a column. Raises NotPlainError without a row."""
        if self.row is None:
            raise NotPlainError
        key = self.within.column(name) if self.within else name
        return f"{self.row}[{key!r}]"


def compile_selection(kind: GraphQLObjectType, details: list[FieldDetails], collect: Collect, *, staff: bool) -> Render:
    """Compiles the functions for objects of a type, for staff or for public keys. Raises NotPlainError."""
    at_once, in_steps = (_Code(collect, staff, in_steps=each).top(kind, details) for each in (False, True))
    return Render(at_once, in_steps)


@dataclass
class _Code:
    """The source of one function while it is put together, and the values that it refers to."""

    collect: Collect
    staff: bool
    in_steps: bool
    before: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(
        default_factory=lambda: {
            "UTC": UTC,
            "none": _none,
            "ResolverInfo": ResolverInfo,
            "Few": Few,
            "text_of": text_of,
        }
    )
    count: int = 0
    _is_once: bool = False
    """Whether the code under way is for an object that many places share."""

    def name(self, prefix: str) -> str:
        """Returns a new name."""
        self.count += 1
        return f"{prefix}{self.count}"

    def give(self, prefix: str, value: Any) -> str:
        """Returns a new name for a value that the code refers to."""
        name = self.name(prefix)
        self.given[name] = value
        return name

    def top(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Any:
        """Compiles the function for objects of a type."""
        item = self.name("v")
        row = self.name("r") if _has_row(kind) else None
        shown = self.object(kind, details, _Object(item, row))
        return self.function(self.many("values", item, shown, (row, f"{item}.row") if row else None))

    def function(self, expression: str) -> Any:
        """Compiles the function that returns the expression."""
        body = "\n    ".join(["info, few = ResolverInfo(context), Few()", *self.before, f"return {expression}"])
        if len(body) > LONGEST:
            raise NotPlainError
        parameters = "values, context, pieces" if self.in_steps else "values, context"
        exec(f"def render({parameters}):\n    {body}\n", self.given)  # noqa: S102  # see the module's docstring
        return self.given["render"]

    def many(self, items: str, item: str, shown: str, more: tuple[str, str] | None = None) -> str:
        """Returns the expression for a list, with `shown` for each item; `more` binds one more name for an item."""
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
        """Returns the expression for an object."""
        return (
            "{"
            + ", ".join(
                f"{key!r}: {self.field(kind, inner, source)}" for key, inner in self.collect(kind, details).items()
            )
            + "}"
        )

    def field(self, kind: GraphQLObjectType, details: list[FieldDetails], source: _Object) -> str:
        """Returns the expression for a field of an object."""
        name = details[0].node.name.value
        if name == "__typename":
            return repr(kind.name)
        returned = kind.fields[name].type
        definition: StrawberryField = _definition(kind.fields[name])
        match declaration_of(definition):
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
                return self.recurring(
                    f"{_value_expression(source)}.{keys}", f"{source.value}.{mapping}", returned, details
                )
            case Listed():
                return self.listed(returned, details, source)
            case Attribute(attribute):
                return self.value(returned, details, f"{_value_expression(source)}.value.{attribute}")
            case shown:
                return self.value(returned, details, self.resolved(kind, definition, shown, source))

    def value(self, returned: GraphQLOutputType, details: list[FieldDetails], expression: str) -> str:
        """Returns the expression for a value of a type."""
        kind = get_nullable_type(returned)
        if is_leaf_type(kind) and kind.name in _AS_THEY_ARE and not is_non_null_type(returned):
            return expression
        name = self.name("x")
        if is_list_type(kind):
            # Python allows no `:=` in the iterable of a comprehension.
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
        """Returns the expression for a leaf value that is not None."""
        if kind.name in _AS_THEY_ARE:
            return name
        if kind.name == "DateTime":
            return f"({name} if {name}.tzinfo is UTC else {name}.astimezone(UTC))"
        if isinstance(kind, GraphQLEnumType):
            names = {value.value: name for name, value in kind.values.items()}
            return f"{self.give('names', names)}[{name}]"
        return f"{self.give('leaf', kind.coerce_output_value)}({name})"

    def related(self, other: Related, returned: GraphQLOutputType, details: list[FieldDetails], source: _Object) -> str:
        """Returns the expression for the row that a row points at; rows that point at the same one share it."""
        if source.within:
            raise NotPlainError
        shown = self.shared(returned, details, _Object(None, "row", other))
        key = source.column(f"{other.relation}_id")
        return self.once(key, f"[{shown}]" if other.listed else shown, "row", source.row or "")

    def recurring(self, keys: str, mapping: str, returned: GraphQLOutputType, details: list[FieldDetails]) -> str:
        """Returns the expression for a list of objects; lists that have the same object share it."""
        key = self.name("k")
        shown = self.shared(returned, details, _Object("value", "value.row"))
        made = self.once(key, shown, "value", f"{mapping}[{key}]")
        return f"[{made} for {key} in few({keys})]" if not self.in_steps else f"[{made} for {key} in {keys}]"

    def shared(self, returned: GraphQLOutputType, details: list[FieldDetails], source: _Object) -> str:
        """Returns the expression for an object that many places share."""
        before, self._is_once = self._is_once, True
        shown = self.object(_object_type(returned), details, source)
        self._is_once = before
        return shown

    def once(self, key: str, shown: str, parameter: str, given: str) -> str:
        """Returns the expression for `shown`, computed once for each key; `given` is passed for the parameter."""
        known, make = self.name("known"), self.name("make")
        self.before += [
            f"{known} = {{}}",
            f"def {make}(key, {parameter}):",
            f"    {known}[key] = made = {f'text_of({shown})' if self.in_steps else shown}",
            "    return made",
        ]
        return f"({known}.get({key}) or {make}({key}, {given}))"

    def listed(self, returned: GraphQLOutputType, details: list[FieldDetails], source: _Object) -> str:
        """Returns the expression for the rows of a page."""
        row = self.name("r")
        shown = self.object(_object_type(returned), details, _Object(None, row))
        return self.many(f"{_value_expression(source)}.page.rows", row, shown)

    def resolved(
        self, kind: GraphQLObjectType, definition: StrawberryField, shown: Shown | None, source: _Object
    ) -> str:
        """Returns the expression for what a resolver returns; for the attribute when the field has no resolver."""
        resolver = definition.base_resolver
        if resolver is None:
            return f"{_value_expression(source)}.{definition.python_name}"
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
        info = ", info" if takes[1:] else ""
        return f"{self.give('resolve', function)}({value}{info})"


def _none() -> NoReturn:
    """Raises NotPlainError for a null where none may be, since graphql-core has the error message for it."""
    raise NotPlainError


def _has_row(kind: GraphQLObjectType) -> bool:
    """Whether objects of a type have a row."""
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
    """Returns the object type of a field, alone or in a list. Raises NotPlainError for any other type."""
    found = get_named_type(kind)
    if not is_object_type(found):
        raise NotPlainError
    return found


def _value_expression(source: _Object) -> str:
    if source.value is None:
        raise NotPlainError
    return source.value
