"""What counts as the text of a message, the same at every door."""

import unicodedata

from conversations.exceptions import InvalidText, TextTooLong

BODY_CHARS = 8_000
"""Longest body, in code points after normalisation."""
MARKS_PER_BASE = 16
"""Combining marks allowed on one letter; the tallest real scripts need fewer than ten, "zalgo" text needs hundreds."""


def clean_body(raw: str, *, may_be_empty: bool = False) -> str:
    """The form in which a body is stored: NFC, line ends as LF.

    Raises:
        InvalidText: empty or only white space (unless attachments carry the message), NUL, a lone surrogate, piled-up marks.
        TextTooLong: more than BODY_CHARS code points.
    """
    # Before the costly normalisation: NFC can shorten a text, but never to less than a quarter.
    if len(raw) > BODY_CHARS * 4:
        raise TextTooLong(f"more than {BODY_CHARS} characters")
    if not is_storable(raw):
        raise InvalidText("a character that cannot be stored")
    body = unicodedata.normalize("NFC", raw.replace("\r\n", "\n").replace("\r", "\n"))
    if len(body) > BODY_CHARS:
        raise TextTooLong(f"more than {BODY_CHARS} characters")
    if not may_be_empty and is_blank(body):
        raise InvalidText("nothing to send")
    if not body.isascii() and has_piled_marks(body):
        raise InvalidText("too many marks on one letter")
    return body


def is_storable(text: str) -> bool:
    """NUL cannot be stored by PostgreSQL; a lone surrogate cannot be sent as UTF-8."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def is_blank(text: str) -> bool:
    """White space, and characters that show nothing."""
    return all(char.isspace() or unicodedata.category(char) in {"Cc", "Cf"} for char in text)


def has_piled_marks(text: str) -> bool:
    """Every mark counts, also those that do not combine canonically, and an invisible sign between two marks starts no new letter."""
    run = 0
    for char in text:
        category = unicodedata.category(char)
        if category[0] == "M":
            run += 1
            if run > MARKS_PER_BASE:
                return True
        elif category != "Cf":
            run = 0
    return False
