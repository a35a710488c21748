"""PURE. Rules that every text of a person obeys, whatever it is: a message, a name, a note.

All of it costs time in proportion to the length, also for text that is made to be costly. Whoever calls has judged the length first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

MARKS_PER_BASE = 16
"""Combining marks allowed on one letter; the tallest real scripts need fewer than ten, "zalgo" text needs hundreds."""
SIGNS_PER_BASE = 100
"""The same where vowels and tones are marks: in Thai, Khmer, Burmese or Hindi a word that is drawn out is one letter with many of them."""
LONGEST_RUN = 128
"""Marks in a row that are put into order. Sorting them takes the square of their number, and nothing else runs meanwhile."""
TWO_MARKS_IN_ONE = frozenset("\u0344\u0f73\u0f75\u0f81")
"""Each is taken apart into two that are sorted. All others stay one, or begin with a letter."""

Ranges = tuple[tuple[int, int], ...]
# Scripts from India to Indonesia, without the Vedic signs and the extensions for phonetics that stand between them.
SIGN_SCRIPTS: Ranges = (
    (0x0900, 0x109F), (0x1700, 0x17FF), (0x1900, 0x1AAF), (0x1B00, 0x1C4F), (0xA800, 0xABFF), (0x11000, 0x11FFF),
)  # fmt: skip
INVISIBLE: Ranges = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
    (0x202A, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB), (0x13430, 0x1343F), (0x13441, 0x13442), (0x16FE4, 0x16FE4), (0x1BCA0, 0x1BCA3), (0x1D159, 0x1D159),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""What draws nothing by itself: default-ignorable characters of any class, fillers that count as letters, the empty braille pattern, the
note without a head. The browser has the same table (static/js/lib/text.js), and a golden file keeps the two equal."""
SPACES: Ranges = (
    (0x0000, 0x0020), (0x007F, 0x00A0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F),
    (0x3000, 0x3000),
)  # fmt: skip
"""White space and control characters."""


def characters(ranges: Ranges) -> str:
    """The inside of a character class."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


STORABLE = re.compile("[^\0\ud800-\udfff]*+")
VISIBLE = re.compile(f"[^{characters(INVISIBLE)}{characters(SPACES)}]")


def is_storable(text: str) -> bool:
    """NUL cannot be stored by PostgreSQL; a lone surrogate cannot be sent as UTF-8."""
    if text.isascii():
        return "\0" not in text
    return STORABLE.fullmatch(text) is not None


def is_blank(text: str) -> bool:
    """White space, and characters that show nothing."""
    return VISIBLE.search(text) is None


# --- Marks ---

# Where marks are beyond the basic plane, roughly: the regular expression has a bitmap for the plane, but a list for what lies beyond.
FAR: Ranges = (
    (0x10100, 0x11FFF),
    (0x16A00, 0x16FFF),
    (0x1BC00, 0x1DAFF),
    (0x1E000, 0x1E9FF),
    (0xE0000, 0xE0FFF),
)
PILING, SIGN, INVISIBLE_BETWEEN = "piling", "sign", "invisible"


@cache
def kinds() -> dict[str, str]:
    """What each mark is, and what stands invisibly between marks. Spacing marks (Mc) stand beside their letter and are none of them, but for
    the few that are sorted like the others."""
    found = {chr(code): INVISIBLE_BETWEEN for first, last in INVISIBLE for code in range(first, last + 1)}
    for code in (*range(0x0300, 0x20000), *range(0xE0100, 0xE01F0)):
        char = chr(code)
        if unicodedata.category(char) in {"Mn", "Me"} or unicodedata.combining(char):
            found[char] = SIGN if any(first <= code <= last for first, last in SIGN_SCRIPTS) else PILING
    return found


@cache
def suspects(most: int) -> re.Pattern[str]:
    """Runs longer than that of what may be marks. In most texts there is none, and nothing is looked at one by one."""
    near = tuple((ord(char), ord(char)) for char in kinds() if char <= "\uffff")
    return re.compile(f"[{characters(near)}{characters(FAR)}]{{{most + 1},}}")


def runs_of(text: str, most: int) -> Iterator[str]:
    if not text.isascii():
        yield from (found[0] for found in suspects(most).finditer(text))


def has_piled_marks(text: str, most: int = MARKS_PER_BASE, most_signs: int = SIGNS_PER_BASE) -> bool:
    """Has a letter so many marks that they paint over the lines of others, or cost every reader's text engine dearly?

    Every mark counts, also those that do not combine canonically, and an invisible sign between two marks starts no new letter.
    """
    return any(is_piled(run, most, most_signs) for run in runs_of(text, min(most, most_signs)))


def is_piled(run: str, most: int, most_signs: int) -> bool:
    known = kinds()
    piling = marks = 0
    for char in run:
        kind = known.get(char)
        if kind is None:
            piling = marks = 0
        elif kind is not INVISIBLE_BETWEEN:
            marks += 1
            piling += kind is PILING
            if piling > most or marks > most_signs:
                return True
    return False


def has_long_run(text: str) -> bool:
    """Has it so many marks in a row that bringing them into order would stop everybody?"""
    return any(is_costly(run) for run in runs_of(text, LONGEST_RUN // 2))


def compose(text: str) -> str:
    """The composed form (NFC). Only for text of a judged length without long runs of marks."""
    return unicodedata.normalize("NFC", text)


def is_costly(run: str) -> bool:
    """Only what has a combining class is sorted; anything else ends a run."""
    sorted_together = 0
    for char in run:
        weight = 2 if char in TWO_MARKS_IN_ONE else 1 if unicodedata.combining(char) else 0
        sorted_together = sorted_together + weight if weight else 0
        if sorted_together > LONGEST_RUN:
            return True
    return False


PIECE = 4_000
JOINED_AT_A_CUT = 8
"""More characters than that never become fewer because two pieces are one again."""


def is_longer(text: str, most: int) -> bool:
    """Is its composed form surely longer than that? Found out piece by piece: some characters become three, and need not be taken apart
    all of them to be too many. As `compose`, only for text without long runs."""
    used = 0
    for start in range(0, len(text), PIECE):
        used += len(unicodedata.normalize("NFC", text[start : start + PIECE])) - JOINED_AT_A_CUT
        if used > most:
            return True
    return False
