"""PURE. What a problem of the API says in words, for the people who write clients: by the class of a refusal.

Fixed sentences only: nothing of the request, and nothing that differs between what is missing and what
belongs to another user.
"""

from __future__ import annotations

from conversations.exceptions import (
    AttachmentNotFound,
    FileTooLarge,
    FormTooLarge,
    InvalidFileName,
    PartTooLarge,
    QuotaFull,
    Refusal,
    StorageFull,
    TooManyUploads,
    UploadConflict,
    WrongOffset,
)
from conversations.protocol.codes import ErrorCode

SENTENCES: dict[type[Refusal], str] = {
    AttachmentNotFound: "There is no such upload: never announced, cancelled, dropped after a day, or sent"
    " already.",
    UploadConflict: "This id is not free for it. Another file was announced or sent under the id, or a still"
    " was sent for what is no complete video.",
    WrongOffset: "The part does not begin where the upload ends. Continue at Upload-Offset.",
    FileTooLarge: "The file is too large. limits.attachments.max_bytes of the greeting is the most.",
    PartTooLarge: "The body has more bytes than a part may have, or than are missing of the announced size."
    " Nothing of it is kept.",
    FormTooLarge: "The file is too large for one form. Announce it, and send it in parts.",
    InvalidFileName: "The name or the description of the file is too long, or has characters that cannot be"
    " stored.",
    QuotaFull: "Your files fill the space of one user. Messages with files that are deleted for everyone free"
    " some.",
    TooManyUploads: "As many files as one user may upload within an hour. Retry-After says when to go on.",
    StorageFull: "The disk of the server is full. What is stored stays; send the same again later.",
}
BY_CODE: dict[ErrorCode, str] = {
    ErrorCode.RATE_LIMITED: "Too many requests of this kind. Retry-After says when to go on.",
    ErrorCode.BUSY: "Nothing was stored: the server is busy, or works on another request for the same thing."
    " Send it again after Retry-After.",
    ErrorCode.UNKNOWN_RESULT: "It may be stored or not. Send the same again: nothing is stored twice.",
    ErrorCode.UNAUTHENTICATED: "Log in first.",
    ErrorCode.INTERNAL: "The server has made an error, which is in its log.",
}
"""For refusals of all routes, where nothing more is known."""
AS_FILE = " Announced again with the kind file, it can be sent unchanged."
REASONS = {
    "not_a_picture": "The file is no picture." + AS_FILE,
    "too_many_pixels": "The picture has too many pixels." + AS_FILE,
    "too_many_frames": "The animation has too many frames." + AS_FILE,
    "damaged": "The file is damaged, or cut off." + AS_FILE,
    "too_slow": "The picture takes too long to process." + AS_FILE,
    "unsupported": "The file has a format that is not shown or played." + AS_FILE,
    "mismatch": "The file is of another kind than announced, or of several." + AS_FILE,
    "infected": "The virus scanner has found something in the file.",
}


def sentence_for(reason: Refusal) -> str:
    """Of the most specific class that has one; else empty."""
    return next((SENTENCES[kind] for kind in type(reason).__mro__ if kind in SENTENCES), "")
