"""What a page says about a refusal, and its HTTP status."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from conversations.exceptions import (
    CannotDeliver,
    EditWindowClosed,
    FileTooLarge,
    InvalidFile,
    InvalidText,
    MessageConflict,
    MessageGone,
    NotAuthor,
    PictureNotShown,
    QuotaFull,
    TooManyTries,
    UnknownResult,
    VersionConflict,
)

UNKNOWN = _("We can’t tell whether your message was saved. Send it again: it won’t arrive twice.")
BUSY = _("The server couldn’t save this right now. Your text is still here; send it again in a moment.")
ANSWERS: dict[type[Exception], tuple[int, Any]] = {
    CannotDeliver: (422, _("You can’t write to this person now.")),
    MessageConflict: (
        409,
        _("This message was already sent with a different text. Send it again as a new message."),
    ),
    TooManyTries: (429, _("You’re sending messages too fast. Wait a moment and try again.")),
    UnknownResult: (504, UNKNOWN),
    TimeoutError: (504, UNKNOWN),
    InvalidText: (422, _("This text contains characters that can’t be sent.")),
    QuotaFull: (
        503,
        _("There is no space left for your files. Delete messages with files that you don’t need."),
    ),
    FileTooLarge: (422, _("This file is too large.")),
    PictureNotShown: (
        422,
        _("This picture can’t be shown. Choose it again together with “Send pictures unchanged, as files”."),
    ),
    InvalidFile: (422, _("This file can’t be sent.")),
    NotAuthor: (403, _("You can change only what you have written yourself.")),
    MessageGone: (410, _("This message was deleted.")),
    EditWindowClosed: (422, _("This message is too old to be edited. You can still delete it.")),
    VersionConflict: (
        409,
        _("This message was changed on another device. Check your text and save it again."),
    ),
}


def answer_to(reason: Exception) -> tuple[int, Any]:
    known = (ANSWERS[kind] for kind in type(reason).__mro__ if kind in ANSWERS)
    return next(known, (503, BUSY))


def sentence_for(reason: Exception) -> str:
    return str(answer_to(reason)[1])


def status_for(reason: Exception) -> int:
    return answer_to(reason)[0]


def retry_after_s(reason: Exception | None) -> str:
    return str(max(1, (getattr(reason, "retry_after_ms", None) or 1_000) // 1_000))
