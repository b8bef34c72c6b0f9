"""What the three clients send, by name: the documents in `clients/`, each with the fragments it needs."""

from functools import cache
from pathlib import Path

from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode, parse, print_ast
from graphql.language import FragmentSpreadNode, Visitor, visit

_FOLDER = Path(__file__).parent / "clients"


@cache
def operations() -> dict[str, str]:
    """Every operation of `dashboard`, `mobile` and `integrator`, complete and ready to send."""
    complete = {}
    for client in ("dashboard", "mobile", "integrator"):
        document = parse((_FOLDER / f"{client}.graphql").read_text())
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        for operation in document.definitions:
            if isinstance(operation, OperationDefinitionNode) and operation.name:
                needed = _needed(operation, fragments)
                parts = [operation, *(fragments[name] for name in sorted(needed))]
                complete[operation.name.value] = "\n\n".join(print_ast(part) for part in parts)
    return complete


def _needed(
    node: OperationDefinitionNode | FragmentDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> set[str]:
    """The fragments a definition spreads, and those that they spread."""
    spread: set[str] = set()

    class Spreads(Visitor):
        def enter_fragment_spread(self, found: FragmentSpreadNode, *_: object) -> None:
            spread.add(found.name.value)

    visit(DocumentNode(definitions=(node,)), Spreads())
    return spread.union(*(_needed(fragments[name], fragments) for name in spread))
