"""What a display name may hold: anything that can be seen, nothing that acts on the text around it.

Names are shown beside other people's words, so marks that turn writing direction or pile up are refused (safety.md T32, T62).
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.texts import INVISIBLE, Ranges, has_piled_marks, is_blank

JOINERS = "\u200c\u200d"
"""Persian needs the first, emoji families the second."""
VARIANTS = ((0x180B, 0x180F), (0xFE0E, 0xFE0F), (0xE0100, 0xE01EF))
"""Invisible signs that choose a form of the one before: of Mongolian letters, of emoji, of the characters in Japanese names."""
FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
"""The flag of England, Scotland, Wales: a black flag and its letters in invisible signs. Anywhere else those carry hidden text."""
GROWING = ((0x1F000, 0x1FBFF), (0x20000, 0x3FFFD))
"""Emoji and Chinese characters that are newer than this Python."""
MARKS_IN_A_ROW = 4
SIGNS_IN_A_ROW = 32
"""Vowels and tones that are marks, in a line about oneself: words are drawn out there as in messages."""


def normalize_name(typed: str) -> str:
    """One line in composed form, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", typed).split())


def check_text(text: str, most_signs: int = SIGNS_IN_A_ROW) -> None:
    """Raises ValidationError for control characters, direction marks, what draws nothing or is no character, and towers of accents."""
    if any(map(is_hidden, FLAG.sub("", text))):
        raise ValidationError(
            _("Remove the hidden characters: they can change how other text looks."), code="hidden"
        )
    if has_piled_marks(text, MARKS_IN_A_ROW, most_signs):
        raise ValidationError(_("Use fewer accents on one letter."), code="marks")


def is_hidden(char: str) -> bool:
    if char.isascii():
        return unicodedata.category(char) == "Cc"
    category, code = unicodedata.category(char), ord(char)
    if category == "Cn":
        return not lies_in(code, GROWING)
    return (
        char not in JOINERS
        and not lies_in(code, VARIANTS)
        and (category in {"Cc", "Cf", "Cs", "Co"} or lies_in(code, INVISIBLE))
    )


def lies_in(code: int, ranges: Ranges) -> bool:
    return any(first <= code <= last for first, last in ranges)


def check_name(name: str) -> None:
    """As check_text, and something of it must be visible: an empty-looking name could stand for anybody."""
    if not is_blank(name):
        check_text(name, MARKS_IN_A_ROW)
    if is_blank(name) or not any(unicodedata.category(char)[0] in "LNPS" for char in name):
        raise ValidationError(_("Enter a name with at least one letter."), code="invisible")
