"""PURE. The tokenizer of message search: one for the index, for typed queries and for the marked places.

A word is a run of letters and digits, folded: case, accents and marks are removed, "ё" becomes "е", "й" stays
itself. Scripts that write no spaces (Chinese, Japanese, Thai and others) have no words to split at: there
each letter begins a token of itself and the next one, so that any two neighbouring letters are found.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate

from accounts.folding import FOLDS
from accounts.texts import INVISIBLE, Ranges, characters

LONGEST = 64
"""Letters of a word that are kept. Longer ones are no words, and PostgreSQL rejects what is much longer."""
KEPT_FOLDS = 20_000
"""Folded characters that are remembered: hostile texts must not fill the memory with all of Unicode."""
SPACELESS: Ranges = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x312F),
    (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)  # fmt: skip
"""Thai and Lao, Burmese, Khmer, Japanese and Chinese. Korean has spaces."""

WORD = re.compile(r"\S+")
_SPACELESS = re.compile(f"[{characters(SPACELESS)}]")
_SEGMENTS = re.compile(f"[{characters(SPACELESS)}]+|[^{characters(SPACELESS)}]+")
_INVISIBLE = frozenset(chr(code) for first, last in INVISIBLE for code in range(first, last + 1))


def fold(char: str) -> str:
    """The letters that one character counts as: "" for what is invisible or a mark, " " for what separates
    words."""
    if char in "йЙ":
        return "й"
    if char in _INVISIBLE:
        return ""
    # Folded twice: decomposing brings capitals back ("℡" becomes "TEL").
    parts = unicodedata.normalize("NFKD", char.casefold()).casefold().translate(FOLDS)
    return "".join(folded_part(part) for part in parts)


def folded_part(part: str) -> str:
    if part.isalnum():
        return part
    category = unicodedata.category(part)
    if category == "Me" or unicodedata.combining(part):
        return ""
    # The vowel signs of Indian scripts distinguish words, so they stay; they have no combining class.
    return part if category in {"Mn", "Mc"} else " "


class Folds(dict[int, str]):
    """Code points and what they fold to, for `str.translate`."""

    def __missing__(self, code: int) -> str:
        folded = fold(chr(code))
        if len(self) < KEPT_FOLDS:
            self[code] = folded
        return folded


FOLDED = Folds()


def has_spaceless(text: str) -> bool:
    """Has it letters of a script without spaces?"""
    return _SPACELESS.search(text) is not None


def segments(word: str) -> list[str]:
    """The parts of a run of letters that are of one kind: with words, or of scripts without spaces."""
    return [word] if word.isascii() else _SEGMENTS.findall(word)


def words_of(text: str) -> list[str]:
    """The folded runs of letters and digits. Linear time; the caller limits the length."""
    return text.translate(FOLDED).split()


def tokens_of(text: str) -> list[str]:
    """The tokens of the index in the order of the text."""
    folded = text.translate(FOLDED)
    if folded.isascii() or not has_spaceless(folded):
        return [word[:LONGEST] for word in folded.split()]
    return [token for word in folded.split() for segment in segments(word) for token in tokens_in(segment)]


def tokens_in(segment: str) -> list[str]:
    if has_spaceless(segment):
        # The last letter stands alone, so that a query of one letter finds it as a prefix.
        return [segment[index : index + 2] for index in range(len(segment))]
    return [segment[:LONGEST]]


class TokenizedText:
    """The tokens of `tokens_of`, and where each stands in the text.

    Linear time, with few steps of Python for each character.
    """

    def __init__(self, text: str) -> None:
        folded = list(map(FOLDED.__getitem__, map(ord, text)))
        self.ends = list(accumulate(map(len, folded)))
        """For each character of the text, the length of all folded letters up to it."""
        self.tokens: list[str] = []
        self.spans: list[tuple[int, int]] = []
        """First and last letter of each token, in folded letters. A word is cut, its place is not."""
        for word in WORD.finditer("".join(folded)):
            first = word.start()
            for segment in segments(word[0]):
                for offset, token in enumerate(tokens_in(segment)):
                    size = len(token) if has_spaceless(segment) else len(segment)
                    self.tokens.append(token)
                    self.spans.append((first + offset, first + offset + size - 1))
                first += len(segment)

    def start(self, index: int) -> int:
        """Where a token begins, in code points of the text."""
        return bisect_right(self.ends, self.spans[index][0])

    def end(self, index: int) -> int:
        """The same for its end. Marks belong to the letter before them."""
        last = bisect_right(self.ends, self.spans[index][1])
        return bisect_right(self.ends, self.ends[last])
