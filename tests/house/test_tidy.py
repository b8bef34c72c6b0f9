"""The house keeps itself tidy: sizes, names, docstrings, nothing left lying about."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "base", "common", "manager", "misc"}
GENERATED = "models/migrations/0"


def files() -> list[str]:
    """What git tracks or would track."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def _sources() -> Iterator[tuple[str, ast.Module]]:
    """Every Python file that a person wrote."""
    for name in files():
        if name.endswith(".py") and not name.startswith(GENERATED):
            yield name, ast.parse((ROOT / name).read_text())


@pytest.fixture(scope="module")
def sources() -> dict[str, ast.Module]:
    return dict(_sources())


def test_no_file_is_too_long(sources: dict[str, ast.Module]) -> None:
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in sources}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long(sources: dict[str, ast.Module]) -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_every_module_says_what_it_owns(sources: dict[str, ast.Module]) -> None:
    silent = [name for name, tree in sources.items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_every_file_is_named_after_something() -> None:
    assert [name for name in files() if Path(name).stem in SAYS_NOTHING] == []


def test_the_top_level_is_as_agreed() -> None:
    agreed = {"graph", "models", "sync", "tests", "schema.graphql", "pyproject.toml", "README.md"}
    top = {name.split("/")[0] for name in files()}
    assert {name for name in top if not name.startswith(".")} == agreed


def test_no_module_is_left_unused(sources: dict[str, ast.Module]) -> None:
    imported = set()
    for tree in sources.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    named = " ".join((ROOT / name).read_text() for name in ("pyproject.toml", "models/storage/db.py"))
    product = {
        name.removesuffix(".py").replace("/", ".")
        for name in sources
        if not name.startswith(("tests/", "models/migrations")) and not name.endswith("/__init__.py")
    }
    assert {name for name in product if name not in imported and name not in named and "." in name} == set()


def test_nothing_is_left_to_do_without_a_name(sources: dict[str, ast.Module]) -> None:
    marks = re.compile(r"#\s*(TODO|FIXME|XXX|HACK)\b(?!\()")
    assert [name for name in sources if marks.search((ROOT / name).read_text())] == []


def test_tests_wait_on_events_and_never_sleep(sources: dict[str, ast.Module]) -> None:
    sleeping = re.compile(r"\bsleep\((?!0\))")
    mine = Path(__file__).relative_to(ROOT).as_posix()
    tests = [name for name in sources if name.startswith("tests/") and name != mine]
    assert [name for name in tests if sleeping.search((ROOT / name).read_text())] == []
