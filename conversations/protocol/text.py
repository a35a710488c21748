"""What counts as the text of a message, the same at every door."""

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

__all__ = ["BODY_CHARS", "MARKS_PER_BASE", "clean_body", "is_storable", "without_blank_end"]

BODY_CHARS = 8_000
"""Longest body, in code points after normalisation."""


def clean_body(raw: str, *, may_be_empty: bool = False) -> str:
    """The form in which a body is stored: NFC, line ends as LF. Empty lines at its end stay; pages take them off.

    Raises:
        InvalidText: empty or nothing that shows (unless attachments carry the message), NUL, a lone surrogate, piled-up marks.
        TextTooLong: more than BODY_CHARS code points.
    """
    # Before anything that looks at characters: NFC can shorten a text, but never to less than a quarter.
    if len(raw) > BODY_CHARS * 4:
        raise TextTooLong(f"more than {BODY_CHARS} characters")
    if not is_storable(raw):
        raise InvalidText("a character that cannot be stored")
    body = composed(raw.replace("\r\n", "\n").replace("\r", "\n"))
    if len(body) > BODY_CHARS:
        raise TextTooLong(f"more than {BODY_CHARS} characters")
    if not may_be_empty and is_blank(body):
        raise InvalidText("nothing to send")
    if has_piled_marks(body):
        raise InvalidText("too many marks on one letter")
    return body


def composed(text: str) -> str:
    """Bounded, because it runs on the loop of everybody: a frame of the costliest text takes less than 10 ms (safety.md T32)."""
    if text.isascii():
        return text
    if has_long_run(text):
        raise InvalidText("too many marks in a row")
    if len(text) > BODY_CHARS and is_longer(text, BODY_CHARS):
        raise TextTooLong(f"more than {BODY_CHARS} characters")
    return compose(text)


def without_blank_end(text: str) -> str:
    """What a page sends of what was typed: nobody means the empty lines after the last one with words (static/js/lib/body-text.js).

    Not part of `clean_body`: what a program sends over the socket or the API is stored as it was sent.
    """
    said = len(text.rstrip())
    end = text.find("\n", said)
    return text if end < 0 else text[:end]
