"""Serializers: from rows to wire objects. They run no query; the caller passes in everything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accounts.avatars.initials import colour, initials
from accounts.avatars.storage import picture_url
from accounts.models import User
from conversations.models import Conversation, FileKind, Message, Participant, StoredFile
from conversations.models.conversation_row import ConversationRow
from conversations.models.message_text import HasWords, text_of
from conversations.protocol import objects
from conversations.protocol.objects import instant, instant_or_none
from conversations.protocol.text import excerpt


def card(user: User) -> objects.Card:
    """A user as others see them. A closed account keeps its place without its name."""
    return objects.Card(
        id=user.public_id,
        username=user.username,
        name=user.name,
        avatar=picture_url(user.picture) or None,
        initials=initials(user.name or user.username),
        colour=colour(user.public_id),
    )


def message(row: Message, *, sender: str) -> objects.Message:
    """`sender` is the public id of row.sender. A row that cannot be serialized is replaced by a placeholder
    with the same numbers: one corrupt row must never keep both people from every message after it (F30,
    T34)."""
    try:
        return intact(row, sender)
    except (ValueError, TypeError, AttributeError):
        return placeholder(row, sender)


def reply(row: HasWords, *, seq: int, sender: str, is_hidden: bool) -> objects.Reply:
    """What a reply shows of this message to one user; `is_hidden`: they deleted it for themselves."""
    text = None if is_hidden else text_of(row)
    return objects.Reply(
        seq=seq,
        sender=sender,
        # A corrupt row may hold bytes (F30).
        kind=str(row.kind),
        excerpt=excerpt(text or ""),
        deleted=is_hidden or row.deleted_at is not None,
        attached=None if is_hidden else first_kind(row.attachments),
        picture=None if is_hidden else picture_of(row.attachments),
    )


def first_kind(attachments: Any) -> Any:
    """The kind of the first file, or None; a corrupt row may hold anything (F30)."""
    try:
        kind = attachments[0]["kind"]
    except (TypeError, LookupError):
        return None
    return kind if kind in FileKind.values else None


def picture_of(attachments: Any) -> str | None:
    """The id of the first file if it has a thumb, which is if it has a placeholder. As `first_kind`."""
    try:
        first = attachments[0]
        return str(first["id"]) if first["placeholder"] else None
    except (TypeError, LookupError):
        return None


def placeholder(row: Message, sender: str) -> objects.Message:
    """A kind that no client knows; each shows it as such."""
    created_at: Any = row.created_at
    return objects.Message(
        seq=row.seq,
        version=row.version,
        id=str(row.client_id),
        sender=sender,
        ordinal=row.ordinal,
        kind="unreadable",
        body="",
        reply_to=None,
        reply=None,
        attachments=[],
        reactions=[],
        created_at=instant(created_at or datetime.fromtimestamp(0, UTC)),
        edited_at=None,
        deleted_at=None,
        deleted_for_me=row.deleted_for_me,
        expires_at=None,
        event=None,
    )


def tombstone(row: Message, *, sender: str) -> objects.Message:
    """What a user sees of a message that they deleted for themselves: its place and its numbers."""
    return message(row, sender=sender).model_copy(
        update={
            "body": "",
            "reply_to": None,
            "reply": None,
            "attachments": [],
            "reactions": [],
            "edited_at": None,
            "deleted_for_me": True,
        }
    )


def intact(row: Message, sender: str) -> objects.Message:
    return objects.Message(
        seq=row.seq,
        version=row.version,
        id=str(row.client_id),
        sender=sender,
        ordinal=row.ordinal,
        kind=row.kind,
        body=row.body,
        reply_to=row.reply_to,
        reply=row.reply,
        attachments=[objects.Attachment(**each) for each in row.attachments or ()],
        reactions=[objects.Reaction(**reaction) for reaction in row.reactions],
        created_at=instant(row.created_at),
        edited_at=instant_or_none(row.edited_at),
        deleted_at=instant_or_none(row.deleted_at),
        deleted_for_me=row.deleted_for_me,
        expires_at=None,
        event=None,
    )


def attachment(id: UUID, file: StoredFile) -> objects.Attachment:
    return objects.Attachment(
        id=str(id),
        kind=file.kind,  # type: ignore[arg-type]
        name=file.name,
        size=file.size,
        type=file.type,
        width=file.width,
        height=file.height,
        seconds=file.seconds,
        peaks=file.peaks,
        placeholder=file.placeholder or None,
        alt=file.alt or None,
    )


def conversation(row: ConversationRow, viewer: User) -> objects.Conversation:
    """A row of the viewer's list. The peer's positions are those the viewer may see."""
    chat, me, peer = row.conversation, row.me, row.peer
    public_ids = {viewer.id: viewer.public_id, peer.id: peer.public_id}
    return objects.Conversation(
        room=chat.room_name,
        peer=card(peer),
        head=chat.head,
        mark=me.mark,
        unread=me.unread,
        received=me.received,
        read=me.read_seq,
        read_count=me.read_count,
        marked_unread=me.marked_unread,
        peer_read=row.peer_participant.shown_read,
        peer_delivered=row.peer_participant.shown_delivered,
        last_message=(
            None if row.last is None else message(row.last, sender=public_ids.get(row.last.sender_id, ""))
        ),
        activity=instant_or_none(me.activity),
        state=chat.state,  # type: ignore[arg-type]
        requested_by=None if chat.requested_by_id is None else public_ids[chat.requested_by_id],
        muted_until=instant_or_none(me.muted_until),
        archived=me.archived_at is not None,
        pinned=me.pinned_at is not None,
        blocked=chat.low_blocks if viewer.id == chat.low_id else chat.high_blocks,
        can_send=can_send(chat, peer),
        draft=draft_of(me),
    )


def draft_of(me: Participant) -> str:
    """Empty for what is no text: a corrupt row must not keep its user from the whole list (F30)."""
    draft: object = me.draft
    return draft if isinstance(draft, str) else ""


def can_send(chat: Conversation, peer: User) -> bool:
    """One answer for closed by either, blocked by either, and a closed account."""
    return (
        chat.state != Conversation.State.CLOSED
        and not chat.low_blocks
        and not chat.high_blocks
        and peer.is_active
    )


def receipts(row: ConversationRow, viewer: User) -> list[objects.Receipt]:
    me, peer = row.me, row.peer_participant
    return [
        objects.Receipt(user=viewer.public_id, delivered=me.delivered_seq, read=me.read_seq),
        objects.Receipt(user=row.peer.public_id, delivered=peer.shown_delivered, read=peer.shown_read),
    ]
