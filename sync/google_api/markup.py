"""Markup: Google's descriptions are HTML. What they say is read out of them; what we say is written as text. Pure."""

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

_BREAKING: Final = re.compile("address|article|blockquote|br|d[dlt]|div|h[1-6r]|li|ol|p|pre|section|table|t[dhr]|ul")
"""The tags at which one word ends and another begins; any other may stand within a word."""

_UNREAD: Final = frozenset({"script", "style"})
_HALF: Final = re.compile(r"&[a-z]{0,4}\Z")


class _Reader(HTMLParser):
    """Takes down what a person reads."""

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
    """What a description says: tags out, entities read."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.said).strip()


def html_of(text: str, longest: int) -> str:
    """A text as a description says it, whatever signs are in it; cut where it would be longer."""
    written = escape(text, quote=False)
    return written if len(written) <= longest else _HALF.sub("", written[:longest])
