"""Validation and normalisation of message text, the same for the socket, the API and forms."""

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
