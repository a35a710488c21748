"""Refusals: the named errors of the domain. Plain Python; every transport maps `code` to its own response."""

from typing import ClassVar


class Refusal(Exception):
    """The request was not carried out, and nothing was stored. `code` is an error code of docs/protocol.md
    5."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after_ms: int | None = None) -> None:
        super().__init__(detail or self.code)
        self.retry_after_ms = retry_after_ms


class ConversationNotFound(Refusal):
    """Unknown, or not yours; the answer does not tell which."""

    code = "not_found"


class PersonNotFound(Refusal):
    """No such user, or one you may not start a chat with."""

    code = "not_found"


class MessageNotFound(Refusal):
    """No such message in this conversation."""

    code = "not_found"


class MessageGone(Refusal):
    """Deleted, for both or for this user, or expired."""

    code = "gone"


class NotAuthor(Refusal):
    """Only who has written a message may change it for both."""

    code = "forbidden"


class EditWindowClosed(Refusal):
    """The message is too old to be edited (settings.EDIT_WINDOW_S). It can still be deleted."""

    code = "edit_window_closed"


class VersionConflict(Refusal):
    """The message has changed since the version that the author has edited."""

    code = "conflict"


class Unauthenticated(Refusal):
    """The session was revoked, or the account suspended, since the socket was opened."""

    code = "unauthenticated"


class AttachmentNotFound(Refusal):
    """No such upload or file, not the user's, or used already; the answer does not tell which."""

    code = "not_found"


class UploadConflict(Refusal):
    """The id belongs to another upload, or to a file that was sent already."""

    code = "conflict"


class WrongOffset(Refusal):
    """A part that does not begin where the upload ends; `offset` is where."""

    code = "conflict"

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class FileTooLarge(Refusal):
    """Larger than a file may be."""

    code = "too_large"


class PartTooLarge(FileTooLarge):
    """More bytes than a part may have, or than the announced size leaves."""


class FormTooLarge(FileTooLarge):
    """Larger than one that is sent whole may be; in parts it may pass."""


class InvalidFile(Refusal):
    """Not what its kind says, though it can be sent as a file; `reason` as in `attachments.processing`."""

    code = "invalid_file"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class PictureNotShown(InvalidFile):
    """A picture that can be sent unchanged only, with all that it tells: the user has to ask for it."""


class ConversationWithOneself(Refusal):
    code = "forbidden"


class TooManyRoomsOpen(Refusal):
    """The socket has as many rooms open as it may. Closing one helps, waiting does not; hence not
    `rate_limited`."""

    code = "forbidden"


class MessageConflict(Refusal):
    """The same id was sent with other content, or by the peer."""

    code = "conflict"


class CannotDeliver(Refusal):
    """Blocked, closed, or the account is gone; all cases get the same answer (T14)."""

    code = "cannot_deliver"


class InvalidText(Refusal):
    """Text that cannot be stored: empty, with NUL or a lone surrogate."""

    code = "invalid_text"


class InvalidFileName(InvalidText):
    """The name or the description of a file: far too long, or with a lone surrogate."""


class TextTooLong(Refusal):
    code = "too_large"


class TooManyTries(Refusal):
    """A rate limit of `throttling`; `retry_after_ms` is when to retry."""

    code = "rate_limited"
    retryable = True


class TooManyUploads(TooManyTries):
    """As many as one user may announce within an hour."""


class Busy(Refusal):
    """The database is unavailable or locked, or the queue is full. Nothing was stored; the client may
    retry."""

    code = "busy"
    retryable = True


class ConversationLocked(Busy):
    """Another transaction holds this conversation. Only its own commands wait, and are refused after a
    timeout."""


class UnknownResult(Refusal):
    """Whether it was stored is unknown: the database ended the connection during the commit, or did not
    answer in time. Never raised for what is certainly not stored, so that "busy" can be relied on. The same
    request with the same id finds out."""

    code = "unknown_result"
    retryable = True


class StorageFull(Busy):
    """The disk of the database or of the files is full; reads still work."""

    code = "storage_full"


class QuotaFull(StorageFull):
    """The user's files fill the space that one user may have."""


class InviteNotFound(Refusal):
    """No invite has this token."""

    code = "not_found"


class InviteGone(Refusal):
    """Used by another person, expired, revoked, the inviter's account is gone, or one of the two blocks the
    other."""

    code = "gone"

    def __init__(self, *, used: bool = False) -> None:
        super().__init__()
        self.used = used


class InviteIsYours(Refusal):
    """Inviters cannot claim their own invite."""

    code = "conflict"


class TooManyInvites(Refusal):
    """The inviter has twenty open invites already."""

    code = "conflict"
