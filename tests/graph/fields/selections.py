"""Queries drawn at random from the schema: any fields of any depth, with aliases, fragments and directives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
)

from graph.schema import schema

DEEPEST = 5
MOVING = frozenset({"asOf", "freshAsOf", "previewedAt"})
"""What may differ between two looks at the same."""

_SCHEMA = schema.core


@dataclass
class Drawn:
    """One query: its text, and what it needs. `roots` are fields of Query with their arguments, as text."""

    dice: Random
    roots: list[str]
    arguments: dict[str, str]
    fragments: list[str] = field(default_factory=list)
    variables: dict[str, bool] = field(default_factory=dict)
    count: int = 0

    def text(self) -> str:
        """The whole document."""
        query = _SCHEMA.query_type
        assert query
        fields = []
        for number, root in enumerate(self.some(self.roots, 2)):
            name = root.partition("(")[0]
            fields.append(f"r{number}: {root} {self.selection(get_named_type(query.fields[name].type), 0)}")
        declared = ", ".join(f"${name}: Boolean!" for name in self.variables)
        head = f"query({declared})" if declared else "query"
        return "\n".join([f"{head} {{ {' '.join(fields)} }}", *self.fragments])

    def selection(self, kind: Any, depth: int) -> str:
        """Some of what a type has."""
        parts = self.fields(kind, depth) if not is_abstract_type(kind) or self.chance() else []
        if is_abstract_type(kind):
            some = self.some(sorted(_SCHEMA.get_possible_types(kind), key=str), 4)
            parts += [f"... on {each.name} {self.selection(each, depth + 1)}" for each in some]
        elif parts and self.chance():
            # The same once more, in another way.
            parts.append(self.spread(kind, " ".join(self.fields(kind, depth + 1) or ["__typename"])))
        return "{ " + " ".join(parts or ["__typename"]) + " }"

    def spread(self, kind: GraphQLObjectType, selected: str) -> str:
        """A fragment, in place or by name."""
        if self.chance():
            return f"...{self.directive()} {{ {selected} }}"
        self.count += 1
        self.fragments.append(f"fragment F{self.count} on {kind.name} {{ {selected} }}")
        return f"...F{self.count}{self.directive()}"

    def fields(self, kind: Any, depth: int) -> list[str]:
        """Some fields of a type."""
        able = [name for name, each in kind.fields.items() if name not in MOVING and self.is_able(name, each, depth)]
        if not able:
            return []
        return [self.one(name, kind.fields[name], depth) for name in self.some(able, 6)]

    def some(self, things: Sequence[Any], most: int) -> list[Any]:
        """One to so many of them, in any order."""
        return self.dice.sample(things, min(len(things), self.dice.randint(1, most)))

    def is_able(self, name: str, each: GraphQLField, depth: int) -> bool:
        """Whether it can be asked for here."""
        required = any(is_required_argument(argument) for argument in each.args.values())
        return (not required or name in self.arguments) and (is_leaf_type(get_named_type(each.type)) or depth < DEEPEST)

    def one(self, name: str, each: GraphQLField, depth: int) -> str:
        """A field, perhaps under another name, perhaps skipped."""
        kind = get_named_type(each.type)
        self.count += 1
        alias = f"a{self.count}: " if self.chance() else ""
        given = self.arguments.get(name, "") if each.args else ""
        below = "" if is_leaf_type(kind) else f" {self.selection(kind, depth + 1)}"
        assert below or not (is_object_type(kind) or is_abstract_type(kind))
        return f"{alias}{name}{given}{self.directive()}{below}"

    def directive(self) -> str:
        """Sometimes one that leaves it out, or does not."""
        if self.dice.random() < 0.9:
            return ""
        name = f"v{self.dice.randint(0, 2)}"
        self.variables.setdefault(name, self.chance())
        return f" @{self.dice.choice(['skip', 'include'])}(if: ${name})"

    def chance(self) -> bool:
        """Yes or no."""
        return self.dice.random() < 0.5
