"""Events: frames that the server sends unasked, to every device of a user."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from conversations.protocol.frames import Frame
from conversations.protocol.objects import Card, Conversation, Message

GREETING: Final = "You are now connected!"


class ConnectionEstablished(Frame):
    type: Literal["connection_established"] = "connection_established"
    message: Literal["You are now connected!"] = GREETING
    protocol: Literal["dm.v1"] = "dm.v1"
    user: Card
    epoch: str
    now: str
    heartbeat_ms: int
    limits: dict[str, int | float | dict[str, int]]
    rooms: dict[str, int]
    marks: dict[str, int]
    unread_total: int
    unread_chats: int


class MessageCreated(Frame):
    type: Literal["message.created"] = "message.created"
    room: str
    message: Message


class MessageChanged(Frame):
    type: Literal["message.changed"] = "message.changed"
    room: str
    message: Message


class MessageHidden(Frame):
    """Sent to the devices of the user who deleted the message for themselves."""

    type: Literal["message.hidden"] = "message.hidden"
    room: str
    seq: int
    mark: int


class ReceiptAdvanced(Frame):
    optional: ClassVar[frozenset[str]] = frozenset({"read_count"})

    type: Literal["receipt.advanced"] = "receipt.advanced"
    room: str
    user: str
    delivered: int
    read: int
    read_count: int | None = None
    mark: int


class Typing(Frame):
    """Expires after `ttl_ms`."""

    type: Literal["typing"] = "typing"
    room: str
    user: str
    on: bool
    ttl_ms: int


class Presence(Frame):
    """A lease: expires after `ttl_ms` unless it is renewed."""

    optional: ClassVar[frozenset[str]] = frozenset({"last_seen"})

    type: Literal["presence"] = "presence"
    user: str
    online: bool
    ttl_ms: int
    last_seen: str | None = None


class ConversationChanged(Frame):
    type: Literal["conversation.changed"] = "conversation.changed"
    conversation: Conversation


class UserChanged(Frame):
    """The user's own card, sent to their own devices only."""

    type: Literal["user.changed"] = "user.changed"
    user: Card


class Heads(Frame):
    """The totals are present only in the reply to `sync {}`."""

    optional: ClassVar[frozenset[str]] = frozenset({"unread_total", "unread_chats"})

    type: Literal["heads"] = "heads"
    epoch: str
    rooms: dict[str, int]
    marks: dict[str, int]
    more: bool = False
    unread_total: int | None = None
    unread_chats: int | None = None


class Bye(Frame):
    type: Literal["bye"] = "bye"
    code: Annotated[int, Field(ge=4000, le=4999)]
    reason: str
    retryable: bool
    retry_after_ms: int


EVENTS: tuple[type[Frame], ...] = (
    ConnectionEstablished,
    MessageCreated,
    MessageChanged,
    MessageHidden,
    ReceiptAdvanced,
    Typing,
    Presence,
    ConversationChanged,
    UserChanged,
    Heads,
    Bye,
)
