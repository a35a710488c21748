"""What a page says about a refusal, and its HTTP status."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from conversations.exceptions import (
    CannotDeliver,
    EditWindowClosed,
    FileTooLarge,
    InvalidFile,
    InvalidFileName,
    InvalidText,
    MessageConflict,
    MessageGone,
    NotAuthor,
    PictureNotShown,
    QuotaFull,
    StorageFull,
    TooManyTries,
    TooManyUploads,
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
    StorageFull: (
        503,
        _("There is no space left on the server at this moment. Your text is still here; try again later."),
    ),
    TooManyUploads: (429, _("You’ve sent many files within the last hour. Try again later.")),
    InvalidFileName: (422, _("This file’s name can’t be used. Rename the file.")),
    InvalidFile: (422, _("This file can’t be sent.")),
    NotAuthor: (403, _("You can change only what you have written yourself.")),
    MessageGone: (410, _("This message was deleted.")),
    EditWindowClosed: (422, _("This message is too old to be edited. You can still delete it.")),
    VersionConflict: (
        409,
        _("This message was changed on another device. Check your text and save it again."),
    ),
}
FILE_REASONS = {
    "not_a_picture": _("This file is not a picture."),
    "too_many_pixels": _("This picture is too large: it has too many pixels."),
    "too_many_frames": _("This animation has too many frames."),
    "damaged": _("This picture is damaged."),
    "too_slow": _("This picture takes too long to process."),
    "unsupported": _("Pictures of this format can’t be shown."),
    "mismatch": _("This file is not what it looks like."),
    "infected": _("The virus scanner has found something in this file, so it can’t be sent."),
}
UNCHANGED = _("To send it anyway, choose it again together with “Send pictures unchanged, as files”.")
CHOOSE_AGAIN = _("Choose your files again: browsers don’t keep them.")


def answer_to(reason: Exception) -> tuple[int, Any]:
    if isinstance(reason, InvalidFile) and reason.reason in FILE_REASONS:
        sentence = FILE_REASONS[reason.reason]
        return 422, f"{sentence} {UNCHANGED}" if isinstance(reason, PictureNotShown) else sentence
    known = (ANSWERS[kind] for kind in type(reason).__mro__ if kind in ANSWERS)
    return next(known, (503, BUSY))


def sentence_for(reason: Exception) -> str:
    return str(answer_to(reason)[1])


def sentence_with_files(reason: Exception) -> str:
    """For a form that had files."""
    return (
        sentence_for(reason) if isinstance(reason, InvalidFile) else f"{sentence_for(reason)} {CHOOSE_AGAIN}"
    )


def status_for(reason: Exception) -> int:
    return answer_to(reason)[0]


def retry_after_s(reason: Exception | None) -> str:
    return str(max(1, (getattr(reason, "retry_after_ms", None) or 1_000) // 1_000))
