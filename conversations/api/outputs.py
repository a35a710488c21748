"""Envelopes of the API's answers; what they carry are the objects of the wire."""

from __future__ import annotations

from pydantic import BaseModel

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


class PersonCard(objects.Card):
    """Somebody of the directory. `can_start` is false for who takes new chats by invite link only."""

    can_start: bool


class CardPage(BaseModel):
    items: list[PersonCard]
    next: str | None


class ConversationPage(BaseModel):
    """The two totals are those of all chats that are not muted, at the moment of these rows."""

    items: list[objects.Conversation]
    next: str | None
    unread_total: int
    unread_chats: int


class MessagePage(BaseModel):
    """`version` was read before the rows: a fresh device goes live from it."""

    items: list[objects.Message]
    version: int


class SendAnswer(BaseModel):
    room: str
    message: objects.Message
    duplicate: bool


class SyncAnswer(BaseModel):
    pages: list[SyncPage]


class InvitePage(BaseModel):
    items: list[objects.Invite]
    next: str | None
