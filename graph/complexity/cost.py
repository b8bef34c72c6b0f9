"""Computes what an operation may cost before it runs: the number of values its answer can have, and the work besides.

A field costs 1. What is below a list counts as often as the list may be long: `first` times on a page, once for each id
in `nodes`, by the range for slots and entries, and by an assumed length (`lengths`) in other lists. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any, Final, TypeAlias, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)
from graphql.type import SchemaMetaFieldDef, TypeMetaFieldDef

from graph.complexity import lengths
from models.checks import LONGEST_LIST

LARGEST_PAGE: Final = 100
"""The most objects of a page, or of `nodes`. What is sure to be refused, such as a larger page or a range that is too
long, counts as 1; what cannot be told counts as the most that it can be.
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """The numbers that decide how long the lists below a field may be."""

    variables: Mapping[str, Any]
    first: int = 1
    days: int = 1
    options: int = lengths.OPTIONS


Term: TypeAlias = Callable[[Scope], int]
"""A function that computes the cost of a part of an operation."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one operation, which depends on its variables."""

    term: Term
    defaults: Mapping[str, Any]

    def of(self, variables: Mapping[str, Any] | None) -> int:
        """Computes the cost with these variables, in the form in which a client sends them."""
        return self.term(Scope({**self.defaults, **(variables or {})}))


def cost_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Cost:
    """Prepares the cost of an operation of a valid document."""
    root = schema.get_root_type(operation.operation)
    assert root is not None
    defaults = {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in operation.variable_definitions or ()
        if each.default_value
    }
    return Cost(_CostCompiler(schema, document).selection([operation.selection_set], root), defaults)


class _CostCompiler:
    """Converts the selections of a document to terms."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._mutation = schema.get_root_type(OperationType.MUTATION)
        definitions = document.definitions
        self._fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}

    def selection(self, sets: Sequence[SelectionSetNode], kind: GraphQLOutputType) -> Term:
        """Returns the cost of merged selections of a type; for an interface, that of the dearest of its types."""
        if is_abstract_type(kind):
            return _dearest([self._of_type(sets, each) for each in self._schema.get_possible_types(kind)])
        assert isinstance(kind, GraphQLObjectType)
        return self._of_type(sets, kind)

    def _of_type(self, sets: Sequence[SelectionSetNode], kind: GraphQLObjectType) -> Term:
        by_key: dict[str, list[FieldNode]] = defaultdict(list)
        for node in self._fields(sets, kind, set()):
            by_key[node.alias.value if node.alias else node.name.value].append(node)
        return _sum([self._field(nodes, kind) for nodes in by_key.values()])

    def _fields(
        self, sets: Sequence[SelectionSetNode], kind: GraphQLObjectType, opened: set[str]
    ) -> Iterator[FieldNode]:
        """Yields the selected fields of a type, those of each fragment once (GraphQL, "CollectFields")."""
        for node in [node for each in sets for node in each.selections]:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if self._is(kind, node):
                    yield from self._fields([node.selection_set], kind, opened)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in opened:
                opened.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._is(kind, fragment):
                    yield from self._fields([fragment.selection_set], kind, opened)

    def _is(self, kind: GraphQLObjectType, fragment: InlineFragmentNode | FragmentDefinitionNode) -> bool:
        """Whether a fragment applies to a type."""
        if fragment.type_condition is None:
            return True
        other = self._schema.type_map[fragment.type_condition.name.value]
        return other is kind or (is_abstract_type(other) and self._schema.is_sub_type(other, kind))

    def _field(self, nodes: Sequence[FieldNode], kind: GraphQLObjectType) -> Term:
        """Returns the cost of a field that these nodes select."""
        name = nodes[0].name.value
        field = _META.get(name) or kind.fields.get(name)
        if field is None:
            return _ONE
        coordinate = f"{kind.name}.{name}"
        # Each node counts, since executing the field looks at each.
        fixed = len(nodes) + lengths.BASES.get(coordinate, 0) + (lengths.MUTATION if kind is self._mutation else 0)
        named = cast(GraphQLOutputType, get_named_type(field.type))
        below = (
            _ONE
            if is_leaf_type(named)
            else self.selection([each.selection_set for each in nodes if each.selection_set], named)
        )
        count = counter(coordinate, field)
        enter, work = _scope_and_work(coordinate, nodes[0], field)

        def term(scope: Scope) -> int:
            inner = enter(scope)
            return fixed + work(inner) + count(inner) * below(inner)

        return _ONE if below is _ONE and count is _ONE and fixed == 1 else term


def _one(_: Scope) -> int:
    return 1


_ONE: Term = _one


def _sum(terms: Sequence[Term]) -> Term:
    fixed = sum(each is _ONE for each in terms)
    others = [each for each in terms if each is not _ONE]
    return lambda scope: fixed + sum(each(scope) for each in others)


def _dearest(terms: Sequence[Term]) -> Term:
    return lambda scope: max((each(scope) for each in terms), default=0)


def counter(coordinate: str, field: GraphQLField) -> Term:
    """Returns how often to count what is below a field."""
    by_scope = _COUNTED.get(coordinate)
    if by_scope:
        return by_scope
    if not is_list_type(get_nullable_type(field.type)):
        return _ONE
    owner, _, name = coordinate.partition(".")
    if owner.endswith("Connection"):
        return lambda scope: scope.first
    if owner.endswith("Payload") or name == "errors":
        length = lengths.LENGTHS.get(coordinate, lengths.ALTERNATIVES if name == "alternatives" else lengths.ERRORS)
    else:
        length = lengths.LENGTHS[coordinate]
    return lambda _: length


_COUNTED: Final[Mapping[str, Term]] = {
    "Query.nodes": lambda scope: scope.first,
    "Availability.days": lambda scope: scope.days,
    "AvailabilityDay.slots": lambda _: lengths.SLOTS_PER_DAY,
    "Slot.options": lambda scope: scope.options,
    "Slot.unavailableOptions": lambda scope: scope.options,
    "Calendar.entries": lambda scope: scope.days * scope.options * lengths.ENTRIES_PER_OPTION_AND_DAY,
    "Option.dateOverrides": lambda scope: scope.days,
    "GoogleRoutingPreview.events": lambda scope: scope.days * lengths.EVENTS_PER_DAY,
}

_SLOTS: Final = frozenset({"Query.availability", "Subscription.availabilityChanges"})


def _scope_and_work(coordinate: str, node: FieldNode, field: GraphQLField) -> tuple[Callable[[Scope], Scope], Term]:
    """Returns how a field's arguments change the scope below it, and the cost of computing its lists."""
    given = {each.name.value: each.value for each in node.arguments or ()}

    def value(name: str, scope: Scope) -> Any:
        found = value_from_ast_untyped(given[name], dict(scope.variables)) if name in given else Undefined
        # A variable without a value leaves the argument out (GraphQL, "CoerceArgumentValues").
        found = field.args[name].default_value if found is Undefined else found
        return None if found is Undefined else found

    if "first" in field.args:
        return lambda scope: replace(scope, first=_page(value("first", scope))), _nothing
    if coordinate == "Query.nodes":
        return lambda scope: replace(scope, first=_length(value("ids", scope), 1, LARGEST_PAGE)), _nothing
    if coordinate == "Query.googleRoutingPreview":

        def enter_input(scope: Scope) -> Scope:
            given = value("input", scope)
            return replace(scope, days=_days(_part(given, "from"), _part(given, "to"), lengths.LONGEST_RANGE))

        return enter_input, _nothing
    if {"from", "to"} <= field.args.keys():
        longest = lengths.LONGEST_OVERRIDES if coordinate == "Option.dateOverrides" else lengths.LONGEST_RANGE

        def enter(scope: Scope) -> Scope:
            options = scope.options
            if "optionIds" in field.args:
                options = _length(value("optionIds", scope), lengths.OPTIONS, LONGEST_LIST)
            return replace(scope, days=_days(value("from", scope), value("to", scope), longest), options=options)

        return enter, _slot_work if coordinate in _SLOTS else _nothing
    return _same, _nothing


def _same(scope: Scope) -> Scope:
    return scope


def _nothing(_: Scope) -> int:
    return 0


def _slot_work(scope: Scope) -> int:
    return scope.days * scope.options * lengths.WORK_PER_OPTION_AND_DAY


def _page(first: Any) -> int:
    """Returns the length of a page; 1 for one that is too long. GraphQL takes 100.0 for a whole number."""
    if isinstance(first, bool) or not isinstance(first, int | float) or first != first // 1:
        return LARGEST_PAGE
    return int(first) if 0 < first <= LARGEST_PAGE else 1


def _length(given: Any, otherwise: int, most: int) -> int:
    """Returns how many ids there are; `otherwise` without any, 1 for too many. GraphQL takes a single value for a list
    of one.
    """
    if given is None:
        return otherwise
    return len(given) if isinstance(given, list) and len(given) <= most else 1


def _part(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else None


def _days(start: Any, end: Any, most: int) -> int:
    """Returns the days of a range between two texts; 1 for one that is empty or too long."""
    try:
        days = ceil((_moment(end) - _moment(start)).total_seconds() / 86_400)
    except (TypeError, ValueError, OverflowError):
        return most
    return days if 1 <= days <= most else 1


def _moment(given: str) -> datetime:
    """Parses an instant or a date. Raises TypeError or ValueError for anything else."""
    return datetime.fromisoformat(given)


_META: Final[Mapping[str, GraphQLField]] = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
