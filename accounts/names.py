"""Validation of display names: visible characters only, nothing that affects the surrounding text.

Names are shown beside text of others, so direction controls and stacked marks are rejected (docs/threats.md
T32, T62).
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.texts import INVISIBLE, Ranges, has_piled_marks, is_blank

JOINERS = "\u200c\u200d"
"""Zero-width non-joiner (Persian) and joiner (emoji sequences)."""
VARIATION_SELECTORS = ((0x180B, 0x180F), (0xFE0E, 0xFE0F), (0xE0100, 0xE01EF))
"""Variation selectors: for Mongolian letters, emoji, and characters in Japanese names."""
FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
"""Flags of England, Scotland and Wales: a black flag and tag characters, which elsewhere can hide text."""
UNASSIGNED = ((0x1F000, 0x1FBFF), (0x20000, 0x3FFFD))
"""Unassigned ranges that newer emoji and Chinese characters may fill; this Python does not know them yet."""
MAX_MARKS = 4
MAX_VOWEL_MARKS = 32
"""Limit for vowel and tone marks in the text about a user, where words may be stretched as in messages."""


def normalize_name(typed: str) -> str:
    """One line in NFC, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", typed).split())


def check_text(text: str, max_vowel_marks: int = MAX_VOWEL_MARKS) -> None:
    """Rejects control, direction, invisible and unassigned characters, and stacked accents."""
    if any(map(is_hidden, FLAG.sub("", text))):
        raise ValidationError(
            _("Remove the hidden characters: they can change how other text looks."), code="hidden"
        )
    if has_piled_marks(text, MAX_MARKS, max_vowel_marks):
        raise ValidationError(_("Use fewer accents on one letter."), code="marks")


def is_hidden(char: str) -> bool:
    if char.isascii():
        return unicodedata.category(char) == "Cc"
    category, code = unicodedata.category(char), ord(char)
    if category == "Cn":
        return not in_ranges(code, UNASSIGNED)
    return (
        char not in JOINERS
        and not in_ranges(code, VARIATION_SELECTORS)
        and (category in {"Cc", "Cf", "Cs", "Co"} or in_ranges(code, INVISIBLE))
    )


def in_ranges(code: int, ranges: Ranges) -> bool:
    return any(first <= code <= last for first, last in ranges)


def check_name(name: str) -> None:
    """As check_text; also requires a visible character, because a blank name could belong to any user."""
    if not is_blank(name):
        check_text(name, MAX_MARKS)
    if is_blank(name) or not any(unicodedata.category(char)[0] in "LNPS" for char in name):
        raise ValidationError(_("Enter a name with at least one letter."), code="invisible")
