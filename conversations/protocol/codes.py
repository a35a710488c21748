"""Error codes and WebSocket close codes (docs/protocol.md 4 and 5)."""

from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    BAD_FRAME = "bad_frame"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_TEXT = "invalid_text"
    INVALID_FILE = "invalid_file"
    TOO_LARGE = "too_large"
    NOT_FOUND = "not_found"
    CANNOT_DELIVER = "cannot_deliver"
    CONFLICT = "conflict"
    GONE = "gone"
    EDIT_WINDOW_CLOSED = "edit_window_closed"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    STORAGE_FULL = "storage_full"
    UNKNOWN_RESULT = "unknown_result"
    INTERNAL = "internal"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    OTHER_ACCOUNT = "other_account"
    """Over HTTP: the page was loaded by another user than the session's."""


RETRYABLE = frozenset(
    {
        ErrorCode.RATE_LIMITED,
        ErrorCode.BUSY,
        ErrorCode.STORAGE_FULL,
        ErrorCode.UNKNOWN_RESULT,
        ErrorCode.INTERNAL,
    }
)


class CloseCode(IntEnum):
    """Daphne lets an application send 1000 and 3000 to 4999 only. The name in lower case is the `reason` of
    the `bye` that precedes the close."""

    BAD_PROTOCOL = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    TOO_SLOW = 4408
    REPLACED = 4409
    TOO_LARGE = 4413
    UPGRADE_REQUIRED = 4426
    RATE_LIMITED = 4429
    RESTARTING = 4012
    INTERNAL = 4500
    OVERLOADED = 4503

    @property
    def reason(self) -> str:
        return self.name.lower()

    @property
    def is_final(self) -> bool:
        """The client does not reconnect by itself."""
        return self in {
            CloseCode.UNAUTHENTICATED,
            CloseCode.FORBIDDEN,
            CloseCode.NOT_FOUND,
            CloseCode.UPGRADE_REQUIRED,
        }
