"""What a display name may hold: anything that can be seen, nothing that acts on the text around it.

Names are shown beside other people's words, so marks that turn writing direction or pile up are refused (safety.md T32, T62).
"""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.texts import has_piled_marks, is_blank

JOINERS = "\u200c\u200d"
"""Persian needs the first, emoji families the second."""
MARKS_IN_A_ROW = 4


def tidy_name(typed: str) -> str:
    """One line in composed form, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", typed).split())


def check_text(text: str) -> None:
    """Raises ValidationError for control characters, direction marks and towers of accents."""
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} and char not in JOINERS for char in text):
        raise ValidationError(_("Remove the hidden characters: they can change how other text looks."), code="hidden")
    if has_piled_marks(text, MARKS_IN_A_ROW, MARKS_IN_A_ROW):
        raise ValidationError(_("Use fewer accents on one letter."), code="marks")


def check_name(name: str) -> None:
    """As check_text, and something of it must be visible: an empty-looking name could stand for anybody."""
    check_text(name)
    if is_blank(name) or not any(unicodedata.category(char)[0] in "LNPS" for char in name):
        raise ValidationError(_("Enter a name with at least one letter."), code="invisible")
