"""The README is true: its GraphQL is valid, and every setting, command and route it should name is there."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from prometheus_client import Counter, Gauge
from starlette.routing import Route

from graph import metrics
from graph.commands.cli import commands
from graph.schema import sdl
from graph.server.app import build
from models.settings import Settings, read
from models.storage.secrets import new_secret_key

README = (Path(__file__).parents[2] / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", [*_blocks("graphql"), *re.findall(r'"query": "(.*?)"[,}]', README)])
def test_its_documents_are_valid(document: str) -> None:
    assert [error.message for error in validate(build_schema(sdl()), parse(document))] == []


def test_it_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"^\| `(TIMEBOK_\w+)`", README, re.MULTILINE))
    assert named == {f"TIMEBOK_{name.upper()}" for name in Settings.model_fields}


def test_it_states_the_defaults_as_they_are() -> None:
    stated = dict(re.findall(r"^\| `TIMEBOK_(\w+)` \| `([^`]*)`", README, re.MULTILINE))
    for name, default in stated.items():
        actual = Settings.model_fields[name.lower()].default
        assert default == {True: "on", False: "off"}.get(actual, str(actual)), name


def test_it_names_every_command() -> None:
    rows = "\n".join(re.findall(r"^\| `timebok .*$", README, re.MULTILINE))
    assert [name for name in commands() if not re.search(rf"`{name.split()[-1]}`|`timebok {name}`", rows)] == []


def test_it_names_every_route() -> None:
    app = build(read(secret_keys=(new_secret_key(),)))
    paths = {route.path for route in app.routes if isinstance(route, Route)}
    assert {path for path in paths if f"`{path}`" not in README} == set()


def test_it_explains_every_metric() -> None:
    counted = [each for each in vars(metrics).values() if isinstance(each, Counter | Gauge)]
    names = {f"{each._name}_total" if isinstance(each, Counter) else each._name for each in counted}
    assert set(re.findall(r"^\| `(timebok_\w+)` \| \w", README, re.MULTILINE)) == names


def test_the_bell_is_explained_before_it_is_spoken_of() -> None:
    assert "bell" not in README[: README.index("The **bell** tells")].replace("◄─ bell ─┐", "")
