"""The explorer's files: what npm published, all served, nothing from another host, tabs that fit the schema."""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate
from graphql.language import NonNullTypeNode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.server import explorer

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "graph" / "server" / "explorer"
ASSETS = FOLDER / "assets"
VENDOR = ASSETS / "vendor"
OURS = sorted(file for file in ASSETS.rglob("*.*") if VENDOR not in file.parents and file.suffix != ".md")
TABS = sorted((ASSETS / "tabs").glob("*.graphql"))
PAGE_URL = "http://timebok.test/graphql"


class _Names(HTMLParser):
    """Collects what a page refers to, and every script or handler that stands in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


def _names() -> _Names:
    names = _Names()
    names.feed(explorer.explorer_page())
    return names


def _imported() -> set[str]:
    """What the page's own modules import, beside the module the page names."""
    own = [file.read_text() for file in OURS if file.suffix == ".js"]
    return {name for text in own for name in re.findall(r'from "\./([^"]+)"', text)}


async def _page(_: Request) -> Response:
    return explorer.page()


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=[*explorer.routes(), Route("/graphql", _page)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as client:
        yield client


def test_vendored_files_are_what_npm_published() -> None:
    table = (ASSETS / "VENDORED.md").read_text()
    listed = dict(re.findall(r"^\| `(vendor/[^`]+)` .* `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    legal = {"LICENSE", "NOTICES.txt"}
    present = [file for file in VENDOR.rglob("*") if file.is_file() and file.name not in legal]

    assert listed == {
        file.relative_to(ASSETS).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in present
    }
    assert all((file.parent / "LICENSE").stat().st_size > 0 for file in present)


def test_the_page_and_its_own_files_name_no_other_host() -> None:
    texts = [explorer.explorer_page(), *(file.read_text() for file in OURS)]
    named = {address for text in texts for address in re.findall(r"""["'(=\s](?:\w+:)?//[\w.]+[^\s"')]*""", text)}

    assert named == {'"http://www.w3.org/2000/svg'}  # the name of the SVG language, not an address


def test_no_script_stands_in_the_page_and_none_may_come_from_elsewhere() -> None:
    policy = dict(part.split(" ", 1) for part in explorer.CONTENT_SECURITY_POLICY.split("; "))

    assert _names().inline == []
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"


async def test_the_page_comes_with_its_policy_and_is_asked_for_anew(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get(PAGE_URL)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == explorer.CONTENT_SECURITY_POLICY
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "Accept"


async def test_all_that_the_page_loads_is_served_for_good(browser: httpx2.AsyncClient) -> None:
    addresses = [urljoin(PAGE_URL, address) for address in _names().addresses]
    module = next(address for address in addresses if address.endswith("/explorer.js"))
    tabs = {f"tabs/{tab.stem}.{kind}" for tab in TABS for kind in ("graphql", "json")}
    addresses += [urljoin(module, name) for name in _imported() | tabs]
    kinds = {
        ".js": "text/javascript",
        ".css": "text/css",
        ".svg": "image/svg+xml",
        ".json": "application/json",
        ".graphql": "text/plain",
    }

    for address in addresses:
        answer = await browser.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"].startswith(kinds[Path(address).suffix]), address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_assets_of_another_version_are_not_found(browser: httpx2.AsyncClient) -> None:
    other = await browser.get(f"http://timebok.test{explorer.ASSETS_PATH}/0123456789abcdef/explorer.js")

    assert other.status_code == 404
    assert "cache-control" not in other.headers


def test_the_page_opens_every_tab_that_is_written() -> None:
    names = re.search(r"NAMES = (\[.*\]);", (ASSETS / "tabs.js").read_text())

    assert names is not None
    assert sorted(json.loads(names[1])) == [tab.stem for tab in TABS]


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.stem)
def test_a_ready_tab_fits_the_schema(tab: Path) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())

    assert validate(schema, parse(tab.read_text())) == []


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.stem)
def test_a_ready_tab_brings_its_variables(tab: Path) -> None:
    (operation,) = parse(tab.read_text()).definitions
    assert isinstance(operation, OperationDefinitionNode)
    variables = operation.variable_definitions or ()
    declared = {variable.variable.name.value for variable in variables}
    needed = {variable.variable.name.value for variable in variables if isinstance(variable.type, NonNullTypeNode)}
    given = json.loads(tab.with_suffix(".json").read_text()).keys()

    assert needed <= given <= declared


def test_every_blank_in_the_ready_variables_can_be_filled_in() -> None:
    blanks = {blank for tab in TABS for blank in re.findall(r'"(<[^"]+>)"', tab.with_suffix(".json").read_text())}
    facts = set(re.findall(r'"(<[^"]+>)":', (ASSETS / "session.js").read_text()))

    assert blanks == facts
