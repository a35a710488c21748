"""Replies: frames to one socket, in response to its command."""

from typing import ClassVar, Literal

from conversations.protocol.frames import Frame
from conversations.protocol.objects import Conversation, Message, Receipt


class MessageAccepted(Frame):
    """Sent only after the commit (P1)."""

    optional: ClassVar[frozenset[str]] = frozenset({"ref"})

    type: Literal["message.accepted"] = "message.accepted"
    ref: str | None = None
    room: str
    id: str
    seq: int
    version: int
    created_at: str
    duplicate: bool


class Done(Frame):
    optional: ClassVar[frozenset[str]] = frozenset({"room", "version"})

    type: Literal["done"] = "done"
    ref: str
    room: str | None = None
    version: int | None = None


class SyncPage(Frame):
    """`version` is the cursor after this page, never ahead of its rows (I6)."""

    optional: ClassVar[frozenset[str]] = frozenset({"ref", "conversation", "hidden", "mark"})

    type: Literal["sync.page"] = "sync.page"
    ref: str | None = None
    room: str
    after: int
    version: int
    messages: list[Message]
    receipts: list[Receipt]
    more: bool
    reset: bool
    conversation: Conversation | None = None
    hidden: list[int] | None = None
    mark: int | None = None


class Pong(Frame):
    type: Literal["pong"] = "pong"
    now: str


class Error(Frame):
    optional: ClassVar[frozenset[str]] = frozenset({"ref", "retry_after_ms", "id"})

    type: Literal["error"] = "error"
    ref: str | None = None
    code: str
    retryable: bool
    retry_after_ms: int | None = None
    id: str | None = None


REPLIES: tuple[type[Frame], ...] = (MessageAccepted, Done, SyncPage, Pong, Error)
