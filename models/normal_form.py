"""One spelling for everything that is compared: texts that people read as the same become equal. Pure.

Composed and decomposed letters, capitals, the many apostrophes, dashes, quotes and spaces, and what nobody sees are
unified (Unicode's NFKC, case folding, and look-alikes). Words end, and beginnings of words reach, between characters
as people count them: graphemes, such as a letter with its vowel sign.
"""

import unicodedata
from typing import Final

import regex

_LIKE: Final = str.maketrans(
    dict.fromkeys("’‘‛ʼʻʽʹʾʿ′`´‚‹›", "'") | dict.fromkeys("“”„‟«»″〝〞〟", '"') | dict.fromkeys("−⁃˗", "-") | {"ı": "i"}
)
"""Marks that look alike, and the i without a dot, whose capital is another i's. Dashes are `_DASH`."""

_DASH: Final = regex.compile(r"\p{Pd}")
_UNSEEN: Final = regex.compile(r"[\p{DI}--[\u200d\U000e0020-\U000e007f]]", regex.V1)
"""What is not drawn. Joiners and tags are parts of pictures: a pilot is no woman beside an aeroplane."""
_LOOSE_JOINER: Final = regex.compile(r"(?<!\p{ExtPict}\p{EMod}?)\u200d|\u200d(?!\p{ExtPict})")

_CLUSTER: Final = regex.compile(r"\X")
_OF_A_WORD: Final = regex.compile(r"[\p{L}\p{M}\p{N}_]")
_PLAIN: Final = regex.compile(r"[a-z0-9_]+|[^\s]")

_APART: Final = regex.compile(r"""[\s,;:()\[\]{}<>"|/\\]+""")
_OUTER: Final = regex.compile(r"""^[\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Pd}.!?¡¿·•'"=]+|[\p{Pe}\p{Pi}\p{Pf}\p{Pd}.!?·•'"=]+$""")
"""What stands around words in writing. Signs that names and mail addresses may end with are no such."""
_SIGNS: Final = regex.compile(r"[\p{P}$+<=>^`|~]+")

_BOUND: Final = "\x1f"
"""Stands around graphemes of several characters. No text has it: it counts as a space."""


def normal(text: str) -> str:
    """The normal form: two texts that people read as the same have the same."""
    if text.isascii():
        return " ".join(text.translate(_LIKE).casefold().split())
    before = None
    while text != before:
        before, text = text, _folded(text)
    return " ".join(text.split())


def _folded(text: str) -> str:
    """One step: a fold may make something that can be folded again."""
    text = unicodedata.normalize("NFKC", _DASH.sub("-", text.translate(_LIKE)))
    text = unicodedata.normalize("NFKC", text.casefold()).replace("i\u0307", "i")
    return str(_LOOSE_JOINER.sub("", _UNSEEN.sub("", text)))


def words(text: str) -> list[str]:
    """The words of a text, in normal form, and its signs, each by itself: what is searched for is found whole."""
    plain = normal(text)
    if plain.isascii():
        return _PLAIN.findall(plain)
    return [word for chunk in plain.split() for word in _cut(chunk)]


def _cut(chunk: str) -> list[str]:
    """The words and signs of a text without spaces."""
    found: list[str] = []
    in_word = False
    for cluster in _CLUSTER.findall(chunk):
        belongs = _OF_A_WORD.match(cluster) is not None
        if belongs and in_word:
            found[-1] += cluster
        else:
            found.append(cluster)
        in_word = belongs
    return found


def terms(text: str) -> list[str]:
    """The words of a text as people look for them: without the signs around them, with those within."""
    plain = (_OUTER.sub("", piece) for piece in _APART.split(normal(text)))
    return [piece for piece in plain if piece]


def ways_to_find(term: str) -> set[str]:
    """A term as a whole, its parts between signs, and without any sign: Berg-Ødegård is found by each."""
    return {way for way in (term, *_SIGNS.split(term), _SIGNS.sub("", term)) if way}


def by_grapheme(text: str) -> str:
    """The text, spelled so that one begins with another only where a grapheme ends."""
    if text.isascii():
        return text
    return "".join(each if len(each) == 1 else f"{_BOUND}{each}{_BOUND}" for each in _CLUSTER.findall(text))
