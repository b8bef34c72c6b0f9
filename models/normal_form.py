"""The normal form in which Timebok compares texts: texts that people read as the same become equal. Pure.

`normal` unifies composed and decomposed letters, capitals, apostrophes, dashes, quotes and spaces, and drops invisible
characters (Unicode's NFKC, case folding, and look-alikes). Words and beginnings of words end between graphemes, which
are characters as people count them: a letter with its vowel sign is one.
"""

import unicodedata
from typing import Final

import regex

_LIKE: Final = str.maketrans(
    dict.fromkeys("’‘‛ʼʻʽʹʾʿ′`´‚‹›", "'") | dict.fromkeys("“”„‟«»″〝〞〟", '"') | dict.fromkeys("−⁃˗", "-") | {"ı": "i"}
)
"""Marks that look alike, and the i without a dot, which shares its capital with i. `_DASH` has the dashes."""

_DASH: Final = regex.compile(r"\p{Pd}")
_UNSEEN: Final = regex.compile(r"[\p{DI}--[\u200d\U000e0020-\U000e007f]]", regex.V1)
"""Invisible characters. Joiners and tags stay, as parts of emoji: a pilot is not a woman beside an aeroplane."""
_LOOSE_JOINER: Final = regex.compile(r"(?<!\p{ExtPict}\p{EMod}?)\u200d|\u200d(?!\p{ExtPict})")

_CLUSTER: Final = regex.compile(r"\X")
_OF_A_WORD: Final = regex.compile(r"[\p{L}\p{M}\p{N}_]")
_PLAIN: Final = regex.compile(r"[a-z0-9_]+|[^\s]")

_APART: Final = regex.compile(r"""[\s,;:()\[\]{}<>"|/\\]+""")
_OUTER: Final = regex.compile(r"""^[\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Pd}.!?¡¿·•'"=]+|[\p{Pe}\p{Pi}\p{Pf}\p{Pd}.!?·•'"=]+$""")
"""Brackets, quotes and marks around a word. Signs that names and mail addresses may end with are not among them."""
_SIGNS: Final = regex.compile(r"[\p{P}$+<=>^`|~]+")

_BOUND: Final = "\x1f"
"""Surrounds graphemes of several characters. No normal form has it, since it counts as a space."""


def normal(text: str) -> str:
    """Returns the normal form of a text; two texts that people read as the same have the same one."""
    if text.isascii():
        return " ".join(text.translate(_LIKE).casefold().split())
    before = None
    while text != before:
        before, text = text, _folded(text)
    return " ".join(text.split())


def _folded(text: str) -> str:
    """Folds once. The result may fold further, so `normal` repeats this until nothing changes."""
    text = unicodedata.normalize("NFKC", _DASH.sub("-", text.translate(_LIKE)))
    text = unicodedata.normalize("NFKC", text.casefold()).replace("i\u0307", "i")
    return str(_LOOSE_JOINER.sub("", _UNSEEN.sub("", text)))


def words(text: str) -> list[str]:
    """Splits a text into words in normal form and single signs. Matchers look for a sequence of these."""
    plain = normal(text)
    if plain.isascii():
        return _PLAIN.findall(plain)
    return [word for chunk in plain.split() for word in _split(chunk)]


def _split(chunk: str) -> list[str]:
    """Splits a text without spaces into words and single signs."""
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
    """Splits a text into search terms: words without the signs around them, but with those inside them."""
    plain = (_OUTER.sub("", piece) for piece in _APART.split(normal(text)))
    return [piece for piece in plain if piece]


def search_forms(term: str) -> set[str]:
    """Returns a term, its parts between signs, and the term without signs: a search for any finds Berg-Ødegård."""
    return {way for way in (term, *_SIGNS.split(term), _SIGNS.sub("", term)) if way}


def by_grapheme(text: str) -> str:
    """Marks the graphemes in a text, so that `startswith` matches only whole graphemes."""
    if text.isascii():
        return text
    return "".join(each if len(each) == 1 else f"{_BOUND}{each}{_BOUND}" for each in _CLUSTER.findall(text))
