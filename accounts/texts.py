"""PURE. Text validation for messages, names and notes: storable, visible, no stacked marks, bounded NFC cost.

Every check takes linear time, also for hostile text. Callers check the length first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

MARKS_PER_BASE = 16
"""Combining marks allowed on one letter; real scripts need fewer than ten, "zalgo" text has hundreds."""
VOWEL_MARKS_PER_BASE = 100
"""The same where vowels and tones are marks (Thai, Khmer, Burmese, Hindi): stretched words repeat them."""
LONGEST_RUN = 128
"""Maximum run of marks that NFC may reorder: sorting takes quadratic time while holding the GIL."""
DECOMPOSES_TO_TWO_MARKS = frozenset("\u0344\u0f73\u0f75\u0f81")
"""Marks that decompose into two reorderable marks. All others stay one, or begin with a letter."""

Ranges = tuple[tuple[int, int], ...]
# Scripts from India to Indonesia, without the Vedic and phonetic extensions between them.
VOWEL_MARK_SCRIPTS: Ranges = (
    (0x0900, 0x109F), (0x1700, 0x17FF), (0x1900, 0x1AAF), (0x1B00, 0x1C4F), (0xA800, 0xABFF),
    (0x11000, 0x11FFF),
)  # fmt: skip
INVISIBLE: Ranges = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB),
    (0x13430, 0x1343F), (0x13441, 0x13442), (0x16FE4, 0x16FE4), (0x1BCA0, 0x1BCA3), (0x1D159, 0x1D159),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Characters without a glyph: default-ignorable ones, fillers that count as letters, the blank braille
pattern, the null notehead. static/js/lib/text.js has the same table; a golden file keeps the two equal."""
SPACES: Ranges = (
    (0x0000, 0x0020), (0x007F, 0x00A0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip
"""White space and control characters."""


def characters(ranges: Ranges) -> str:
    """The ranges as the inside of a regular expression's character class."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


STORABLE = re.compile("[^\0\ud800-\udfff]*+")
VISIBLE = re.compile(f"[^{characters(INVISIBLE)}{characters(SPACES)}]")


def is_storable(text: str) -> bool:
    """PostgreSQL cannot store NUL; UTF-8 cannot encode a lone surrogate."""
    if text.isascii():
        return "\0" not in text
    return STORABLE.fullmatch(text) is not None


def is_blank(text: str) -> bool:
    """Only white space and invisible characters."""
    return VISIBLE.search(text) is None


# --- Marks ---

# Blocks with marks outside the BMP, roughly: there a regular expression uses a list instead of a bitmap.
OUTSIDE_BMP: Ranges = (
    (0x10100, 0x11FFF),
    (0x16A00, 0x16FFF),
    (0x1BC00, 0x1DAFF),
    (0x1E000, 0x1E9FF),
    (0xE0000, 0xE0FFF),
)
STACKING, VOWEL, INVISIBLE_KIND = "stacking", "vowel", "invisible"


@cache
def mark_kinds() -> dict[str, str]:
    """The kind of each mark, and of invisible characters between marks.

    Spacing marks (Mc) do not stack; only those with a combining class are included: NFC reorders them.
    """
    found = {chr(code): INVISIBLE_KIND for first, last in INVISIBLE for code in range(first, last + 1)}
    for code in (*range(0x0300, 0x20000), *range(0xE0100, 0xE01F0)):
        char = chr(code)
        if unicodedata.category(char) in {"Mn", "Me"} or unicodedata.combining(char):
            found[char] = (
                VOWEL if any(first <= code <= last for first, last in VOWEL_MARK_SCRIPTS) else STACKING
            )
    return found


@cache
def run_pattern(limit: int) -> re.Pattern[str]:
    """Matches runs of more than `limit` possible marks. Most texts have none and need no closer look."""
    bmp = tuple((ord(char), ord(char)) for char in mark_kinds() if char <= "\uffff")
    return re.compile(f"[{characters(bmp)}{characters(OUTSIDE_BMP)}]{{{limit + 1},}}")


def long_runs(text: str, limit: int) -> Iterator[str]:
    if not text.isascii():
        yield from (found[0] for found in run_pattern(limit).finditer(text))


def has_piled_marks(
    text: str, limit: int = MARKS_PER_BASE, max_vowel_marks: int = VOWEL_MARKS_PER_BASE
) -> bool:
    """Has a letter so many marks that they cover other lines, or slow down the text engine of every reader?

    Counts every mark, also without a combining class. An invisible character between two marks starts no new
    letter.
    """
    return any(is_piled(run, limit, max_vowel_marks) for run in long_runs(text, min(limit, max_vowel_marks)))


def is_piled(run: str, limit: int, max_vowel_marks: int) -> bool:
    known = mark_kinds()
    stacking = marks = 0
    for char in run:
        kind = known.get(char)
        if kind is None:
            stacking = marks = 0
        elif kind is not INVISIBLE_KIND:
            marks += 1
            stacking += kind is STACKING
            if stacking > limit or marks > max_vowel_marks:
                return True
    return False


def has_long_run(text: str) -> bool:
    """Has it a run of marks so long that NFC would block the process?"""
    return any(is_costly(run) for run in long_runs(text, LONGEST_RUN // 2))


def compose(text: str) -> str:
    """NFC. Only for text of checked length without long runs of marks."""
    return unicodedata.normalize("NFC", text)


def is_costly(run: str) -> bool:
    """NFC reorders only characters with a combining class; any other character ends a run."""
    sorted_together = 0
    for char in run:
        weight = 2 if char in DECOMPOSES_TO_TWO_MARKS else 1 if unicodedata.combining(char) else 0
        sorted_together = sorted_together + weight if weight else 0
        if sorted_together > LONGEST_RUN:
            return True
    return False


CHUNK = 4_000
MAX_JOIN_LOSS = 8
"""Joining two pieces shortens NFC by at most this many characters."""


def is_longer(text: str, limit: int) -> bool:
    """Is its NFC form certainly longer than `limit`?

    Computed piece by piece, to stop early: some characters become three. Only for text without long runs,
    like `compose`.
    """
    used = 0
    for start in range(0, len(text), CHUNK):
        used += len(unicodedata.normalize("NFC", text[start : start + CHUNK])) - MAX_JOIN_LOSS
        if used > limit:
            return True
    return False
