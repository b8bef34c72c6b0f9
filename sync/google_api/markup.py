"""Converts Google's descriptions, which are HTML, to text, and our texts to HTML. Pure."""

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

_BREAKING: Final = re.compile("address|article|blockquote|br|d[dlt]|div|h[1-6r]|li|ol|p|pre|section|table|t[dhr]|ul")
"""The tags that separate words; any other tag may stand within a word."""

_UNREAD: Final = frozenset({"script", "style"})
_HALF: Final = re.compile(r"&[a-z]{0,4}\Z")


class _Reader(HTMLParser):
    """Collects the text that a person reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - its attributes are nobody's words
        if _BREAKING.fullmatch(tag):
            self.said.append("\n")
        self._unread += tag in _UNREAD

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - its attributes are nobody's words
        if _BREAKING.fullmatch(tag):
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if _BREAKING.fullmatch(tag):
            self.said.append("\n")
        self._unread = max(0, self._unread - (tag in _UNREAD))

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.said.append(data)


def text_of(html: str) -> str:
    """Converts a description to text: drops tags and decodes entities."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.said).strip()


def html_of(text: str, longest: int) -> str:
    """Escapes a text for a description, and cuts it at `longest` characters, never inside an entity."""
    written = escape(text, quote=False)
    return written if len(written) <= longest else _HALF.sub("", written[:longest])
