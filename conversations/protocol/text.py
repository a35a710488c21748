"""Validation and normalisation of message text, the same for the socket, the API and forms."""

import unicodedata

from accounts.texts import (
    MARKS_PER_BASE,
    compose,
    has_long_run,
    has_piled_marks,
    is_blank,
    is_longer,
    is_storable,
)
from conversations.exceptions import InvalidText, TextTooLong

__all__ = [
    "BODY_CHARS",
    "MARKS_PER_BASE",
    "clean_body",
    "clean_draft",
    "is_storable",
    "strip_trailing_blank_lines",
]

BODY_CHARS = 8_000
"""Longest body, in code points after normalisation."""


def clean_body(raw: str, *, may_be_empty: bool = False) -> str:
    """The form in which a body is stored: NFC, line ends as LF. Trailing blank lines stay; pages strip them.

    Raises:
        InvalidText: empty or invisible (unless the message has attachments), NUL, a lone surrogate, or
            stacked combining marks.
        TextTooLong: more than BODY_CHARS code points.
    """
    # Before any work per character: NFC can shorten a text, but never to less than a quarter.
    if len(raw) > BODY_CHARS * 4:
        raise TextTooLong(f"more than {BODY_CHARS} characters")
    if not is_storable(raw):
        raise InvalidText("a character that cannot be stored")
    body = normalized(raw.replace("\r\n", "\n").replace("\r", "\n"))
    if len(body) > BODY_CHARS:
        raise TextTooLong(f"more than {BODY_CHARS} characters")
    if not may_be_empty and is_blank(body):
        raise InvalidText("nothing to send")
    if has_piled_marks(body):
        raise InvalidText("too many marks on one letter")
    return body


def clean_draft(raw: str) -> str:
    """The same for a draft, which may be empty; one in which nothing shows is none. Raises the same."""
    draft = clean_body(raw, may_be_empty=True)
    return "" if is_blank(draft) else draft


EXCERPT_CHARS = 200
EXCERPT_LOOKAHEAD = 1
"""Code points behind the excerpt that tell whether its end cuts one written character."""
LONGEST_STEP_BACK = 16
ZERO_WIDTH_JOINER = "\u200d"


def excerpt(text: str) -> str:
    """The first EXCERPT_CHARS code points, or a few less where that would cut one written character: a letter
    from its marks, an emoji from its parts. Bounded: a longer pile of marks is cut."""
    if len(text) <= EXCERPT_CHARS:
        return text
    for end in range(EXCERPT_CHARS, EXCERPT_CHARS - LONGEST_STEP_BACK, -1):
        if not is_joined(text, end):
            return text[:end]
    return text[:EXCERPT_CHARS]


def is_joined(text: str, at: int) -> bool:
    """Do the code points before and after this place belong to one written character?"""
    before, after = text[at - 1], text[at]
    if before == ZERO_WIDTH_JOINER or after == ZERO_WIDTH_JOINER or (before, after) == ("\r", "\n"):
        return True
    if (
        unicodedata.category(after) in {"Mn", "Mc", "Me"}
        or after in TONES
        or "\U000e0020" <= after <= "\U000e007f"
    ):
        return True
    return is_flag_half(before) and is_flag_half(after) and flag_halves_before(text, at) % 2 == 1


TONES = frozenset("🏻🏼🏽🏾🏿")


def is_flag_half(char: str) -> bool:
    return "🇦" <= char <= "🇿"


def flag_halves_before(text: str, at: int) -> int:
    """Flags are pairs of letters, counted from the first one of a row of them."""
    start = at
    while start and is_flag_half(text[start - 1]):
        start -= 1
    return at - start


def normalized(text: str) -> str:
    """NFC in bounded time, for the event loop: the costliest frame takes less than 10 ms (T32)."""
    if text.isascii():
        return text
    if has_long_run(text):
        raise InvalidText("too many marks in a row")
    if len(text) > BODY_CHARS and is_longer(text, BODY_CHARS):
        raise TextTooLong(f"more than {BODY_CHARS} characters")
    return compose(text)


def strip_trailing_blank_lines(text: str) -> str:
    """What a page sends of the text that the user typed (static/js/lib/body-text.js does the same).

    Not part of `clean_body`: what a program sends over the socket or the API is stored as sent.
    """
    end = text.find("\n", len(text.rstrip()))
    return text if end < 0 else text[:end]
