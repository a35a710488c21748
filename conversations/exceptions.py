"""Named refusals. Pure; every door translates them into its own answer by `code`."""

from typing import ClassVar


class Refusal(Exception):
    """Something was not done, and nothing of it was stored. `code` is a word of protocol.md section 5."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after_ms: int | None = None) -> None:
        super().__init__(detail or self.code)
        self.retry_after_ms = retry_after_ms


class ConversationNotFound(Refusal):
    """Unknown, or not yours: nobody can tell which (safety.md rule zero)."""

    code = "not_found"


class PersonNotFound(Refusal):
    """No such person, or nobody you may start a chat with."""

    code = "not_found"


class MessageNotFound(Refusal):
    """No such message in this conversation."""

    code = "not_found"


class Unauthenticated(Refusal):
    """The session or the account has lost its rights since the socket was opened."""

    code = "unauthenticated"


class AttachmentNotFound(Refusal):
    """No such upload, or not the sender's."""

    code = "not_found"


class ConversationWithOneself(Refusal):
    code = "forbidden"


class TooManyRoomsOpen(Refusal):
    """A socket shows as many rooms as it may. Waiting does not help, closing one does; hence not `rate_limited`."""

    code = "forbidden"


class MessageConflict(Refusal):
    """The same id came with other content, or from the other person."""

    code = "conflict"


class CannotDeliver(Refusal):
    """Blocked, closed or gone; all cases answer equally (safety.md T14)."""

    code = "cannot_deliver"


class InvalidText(Refusal):
    """Text that nothing may store: empty, NUL, a lone surrogate."""

    code = "invalid_text"


class TextTooLong(Refusal):
    code = "too_large"


class TooManyTries(Refusal):
    """A limit of throttling.py; `retry_after_ms` says when to come back."""

    code = "rate_limited"
    retryable = True


class Busy(Refusal):
    """The database is away, locked, or the queue is full. Nothing was stored; the same send may be tried again."""

    code = "busy"
    retryable = True


class LockedRoom(Busy):
    """Another transaction holds this conversation. Its own commands wait and are refused in the end; nobody else's are."""


class UnknownResult(Refusal):
    """Whether it was stored is not known: the database ended the connection during the commit, or did not answer in time. Never said of
    what is surely not stored, so that "busy" can be taken at its word. The same request with the same id finds out."""

    code = "unknown_result"
    retryable = True


class StorageFull(Busy):
    """The disk of the database is full; reading goes on."""

    code = "storage_full"


class InviteNotFound(Refusal):
    """No invite has this token."""

    code = "not_found"


class InviteGone(Refusal):
    """Used by another person, expired, revoked, its inviter gone, or a block between the two."""

    code = "gone"

    def __init__(self, *, used: bool = False) -> None:
        super().__init__()
        self.used = used


class InviteIsYours(Refusal):
    """Its inviter cannot claim an invite."""

    code = "conflict"


class TooManyInvites(Refusal):
    """Twenty invites wait already."""

    code = "conflict"
