"""Every sentence that the product says to people is said in each language it speaks."""

import ast
from pathlib import Path

import pytest

from graph import languages
from graph.limits import answers
from models.refusals import ErrorCode
from models.scheduling import decision
from sync.service import EXPLANATIONS
from tests.graph.shop import Shop

ROOT = Path(__file__).parents[2]
SAYING = {"invalid": 0, "refused": 1, "Refusal": 1, "_not_connected": 0}


def _sentences() -> set[str]:
    """What the code gives to those who make refusals, word for word, also by the name of `message`."""
    found = set()
    for folder in ("graph", "models", "sync"):
        for path in (ROOT / folder).rglob("*.py"):
            if "sandbox" in path.parts:
                continue  # What Google says.
            for node in ast.walk(ast.parse(path.read_text())):
                named = folder != "graph" and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "message"
                if named and isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                    found.add(str(node.value.value))
                if isinstance(node, ast.Call):
                    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                    at = SAYING.get(name)
                    if at is not None and len(node.args) > at and isinstance(node.args[at], ast.Constant):
                        found.add(str(ast.literal_eval(node.args[at])))
    return found


def test_every_refusal_is_said_in_norwegian() -> None:
    listed = {sentence for sentence, _ in decision.MESSAGES.values()} | set(EXPLANATIONS.values())
    said = _sentences() | listed | {languages.ONLY_STAFF, languages.ONLY_ADMIN}
    said |= {text for name, text in vars(answers).items() if name.startswith("TOO_MANY_")}
    assert len(said) > 40
    assert said - languages.NORWEGIAN.keys() == set()


def test_a_translation_fills_the_same_slots() -> None:
    names = (
        "service",
        "least",
        "most",
        "longest",
        "version",
        "reason",
        "seconds",
        "keyword",
        "position",
        "requested",
        "requestLimit",
        "name",
        "nearest",
        "role",
        "status",
        "missing",
    )
    slots = dict.fromkeys(names, "x")
    for sentence, translated in languages.NORWEGIAN.items():
        for slot in slots:
            assert ("{" + slot + "}" in sentence) == ("{" + slot + "}" in translated), sentence
        assert languages.translate(sentence, slots, "nb") == translated.format(**slots)


@pytest.mark.parametrize(
    ("header", "spoken"),
    [
        ("", "en"),
        ("nb", "nb"),
        ("no-NO, en;q=0.5", "nb"),
        ("nn", "nb"),
        ("en-GB,en;q=0.9,nb;q=0.8", "en"),
        ("de, nb;q=0.1", "nb"),
        ("en;q=0.2, nb;q=0.9", "nb"),
        ("nb;q=0", "en"),
        ("*", "en"),
        ("nb;q=much, ;;;", "en"),
    ],
)
def test_the_caller_is_spoken_to_as_the_header_asks(header: str, spoken: str) -> None:
    assert languages.negotiate(header) == spoken


async def test_a_refusal_comes_in_the_callers_language(shop: Shop) -> None:
    served = shop.served
    document = """mutation($input: CreateOptionInput!) {
      createOption(input: $input) { errors { code message path } } }"""
    headers = {"Authorization": f"Bearer {served.keys['staff']}", "Accept-Language": "nb-NO"}
    body = {"query": document, "variables": {"input": {"name": "Anna", "kind": "PERSON", "color": "red"}}}
    answer = (await served.http.post(f"{served.url}/graphql", json=body, headers=headers)).json()
    expected = {"code": ErrorCode.INVALID_INPUT, "message": "Må være en farge som #1a73e8.", "path": ["input", "color"]}
    assert answer["data"]["createOption"]["errors"] == [expected]
