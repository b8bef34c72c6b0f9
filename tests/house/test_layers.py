"""The import contracts of pyproject.toml hold."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_imports_go_one_way() -> None:
    pytest.importorskip("importlinter", reason="import-linter comes with the dev extra")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert linted.returncode == 0, linted.stdout
