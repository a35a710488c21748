"""Response envelopes of the API; their contents are the wire objects."""

from __future__ import annotations

from pydantic import BaseModel, Field

from conversations.protocol import objects
from conversations.protocol.replies import SyncPage


class Problem(BaseModel):
    """RFC 9457, with the wire's code."""

    type: str
    title: str
    status: int
    code: str
    retryable: bool
    retry_after_ms: int | None = None
    detail: str | None = None


class PersonCard(objects.Card):
    """A user of the directory. `can_start` is false if they accept new chats by invite link only."""

    can_start: bool


class CardPage(BaseModel):
    items: list[PersonCard]
    next: str | None


class ConversationPage(BaseModel):
    """The two totals count all chats that are not muted, at the time of these rows."""

    items: list[objects.Conversation]
    next: str | None
    unread_total: int
    unread_chats: int


class MessagePage(BaseModel):
    """`version` was read before the rows: a new device starts its sync from it."""

    items: list[objects.Message]
    version: int


class SendAnswer(BaseModel):
    room: str
    message: objects.Message
    duplicate: bool


class ChangeAnswer(BaseModel):
    """The message as the caller sees it now."""

    room: str
    message: objects.Message


class SyncAnswer(BaseModel):
    pages: list[SyncPage]


class InvitePage(BaseModel):
    items: list[objects.Invite]
    next: str | None


class FoundMessage(BaseModel):
    """`matches` are [start, length] in code points of the body, ascending, without overlaps."""

    room: str
    message: objects.Message
    matches: list[tuple[int, int]]


class FoundPage(BaseModel):
    """A page may have fewer items than others, or none, and still a next one."""

    items: list[FoundMessage]
    next: str | None


class Place(BaseModel):
    """Where in a history to go."""

    seq: int | None


class UploadAnswer(BaseModel):
    """`offset` is where the next part begins; `attachment` is there once the file is complete."""

    id: str
    offset: int
    part_bytes: int
    attachment: objects.Attachment | None = Field(default=None, exclude_if=objects.is_none)


class SharedAttachment(objects.Attachment):
    """A file of a chat, and the message that it is in."""

    seq: int
    sender: str
    created_at: str


class AttachmentPage(BaseModel):
    items: list[SharedAttachment]
    next: str | None
