"""The frame of every page a person sees: the document, its style, and words made safe for HTML."""

from __future__ import annotations

from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def text(value: object) -> str:
    """A value as HTML text or as an attribute's value."""
    return escape(str(value), quote=True)


def document(title: str, body: str, *, status: int = 200, kind: str = "") -> HTMLResponse:
    """A whole page; `body` is HTML, `kind` a class for its style."""
    return HTMLResponse(
        f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{text(title)}</title>
<style>{STYLE}</style>
</head>
<body class="{text(kind)}">
{body}
</body>
</html>
""",
        status,
    )
