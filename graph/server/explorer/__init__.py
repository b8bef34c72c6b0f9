"""The explorer: the page a browser gets at /graphql, and the files it is made of.

Owns what that page may load (nothing from another host) and how long a browser may keep it. Knows no schema, key
or database: the page talks to /graphql like any other client.
"""

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ASSETS_PATH = "/graphql/explorer"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # GraphiQL's dialogs and menus write style elements
        "font-src 'self' data:",  # its fonts lie within its style sheet
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HERE = Path(__file__).parent
_ASSETS = _HERE / "assets"
_A_YEAR = "public, max-age=31536000, immutable"
_PLAIN = "text/plain; charset=utf-8"
_TYPES = {  # not left to the machine's own table, which differs from one system to the next
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


class _Assets(StaticFiles):
    """Files that never change under their address, since the address carries their digest."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Content-Type"] = _TYPES.get(Path(path).suffix, _PLAIN)
        response.headers["Cache-Control"] = _A_YEAR
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def routes() -> list[BaseRoute]:
    """What the page loads. Must stand before a route that takes everything under ``/graphql``."""
    return [Mount(f"{ASSETS_PATH}/{_digest()}", app=_Assets(directory=_ASSETS), name="explorer")]


def page() -> HTMLResponse:
    """The answer to a browser's GET of ``/graphql``."""
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(explorer_page(), headers=headers)


@cache
def explorer_page() -> str:
    """The page's text. Its addresses are relative, so it also works behind a proxy that adds a prefix."""
    html = (_HERE / "page.html").read_text(encoding="utf-8")
    return html.replace("{assets}", f"{ASSETS_PATH.removeprefix('/')}/{_digest()}")


@cache
def _digest() -> str:
    """Names one exact set of assets; equal in every process that runs the same version."""
    digest = hashlib.sha256()
    for file in sorted(path for path in _ASSETS.rglob("*") if path.is_file()):
        digest.update(file.relative_to(_ASSETS).as_posix().encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
