"""Folders are rooms: few files in each, named after things, with a sign on the door, and no way back up the stairs."""

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.house.test_tidy import ROOT, files

MOST_FILES = 13
"""Files of its own that a folder may have, beside `__init__.py`."""

NOUNS = {"booking", "meeting", "rendering", "routing", "scheduling", "setting"}
"""Words in -ing that name things."""

BROKEN = {
    "One way through the house: graph, sync, models": ("models.clock", "import sync.schedule"),
    "The floors of models": ("models.catalog.option", "import models.actions.hold_slot"),
    "The floors of sync": ("sync.pull.machine", "import sync.accounts.link"),
    "The floors of graph": ("graph.relay.nodes", "import graph.catalog.options"),
    "The floors of the server": ("graph.server.websocket.protocol", "import graph.server.http.endpoint"),
    "No circles": ("graph.bookings.booking", "import graph.bookings.mutations"),
    "The graph enters sync by its door; only the demo brings the sandbox along": (
        "graph.google.link",
        "import sync.accounts.link",
    ),
    "Production code knows an origin, not the sandbox": ("sync.worker", "import sync.sandbox.app"),
    "The sandbox knows nothing of ours": ("sync.sandbox.state", "import models.clock"),
    "Pure files reach neither the database, the network nor the clock": (
        "models.scheduling.hours",
        "import models.clock",
    ),
    "Code is made of the schema alone": ("graph.fields.compiler", "import models.storage.db"),
    "Only the client knows aiogoogle": ("sync.google_api.tokens", "import aiogoogle"),
    "Only the notifier knows broadcaster": ("models.log.change_log", "import broadcaster"),
    "Only the graph knows GraphQL": ("models.business", "import graphql"),
}
"""For each contract a module, and an import that breaks it."""


def folders() -> Counter[str]:
    """How many Python files each folder has of its own."""
    return Counter(str(Path(name).parent) for name in files() if name.endswith(".py") and "__init__" not in name)


def test_no_room_is_crowded() -> None:
    assert {folder: count for folder, count in folders().items() if count > MOST_FILES} == {}


def test_rooms_and_files_are_named_after_things() -> None:
    names = {part for name in files() if name.endswith(".py") for part in Path(name).with_suffix("").parts}
    words = {word for name in names for word in name.split("_")}
    gerunds = {word.removesuffix("s") for word in words if re.fullmatch(r"[a-z]{3,}ings?", word)}
    assert gerunds - NOUNS == set()


def test_every_room_says_what_belongs_in_it() -> None:
    rooms = [folder for folder in folders() if folder.split("/")[0] in ("graph", "models", "sync")]
    signs = {room: ROOT / room / "__init__.py" for room in rooms if not room.endswith("migrations")}
    assert [room for room, sign in signs.items() if not sign.is_file()] == []
    assert [room for room, sign in signs.items() if not ast.get_docstring(ast.parse(sign.read_text()))] == []


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the import linter says of a copy of the code in which every contract is broken."""
    copy = tmp_path_factory.mktemp("broken")
    for room in ("graph", "models", "sync"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for module, line in BROKEN.values():
        path = copy / f"{module.replace('.', '/')}.py"
        path.write_text(f"{path.read_text()}\n{line}\n")
    linter = Path(sys.executable).parent / "lint-imports"
    if not linter.exists():
        pytest.skip("the import linter is not installed")
    return subprocess.run([linter, "--no-cache"], cwd=copy, capture_output=True, text=True, check=False).stdout  # noqa: S603


def test_every_contract_has_an_import_that_breaks_it() -> None:
    contracts = re.findall(r'^name = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert set(contracts) - {"timebok"} == set(BROKEN)


@pytest.mark.parametrize("contract", BROKEN)
def test_a_contract_that_is_broken_is_seen(broken: str, contract: str) -> None:
    assert re.search(rf"^{re.escape(contract)} BROKEN", broken, re.MULTILINE), broken
