"""From rows to objects of the wire. No query of its own: whoever calls brings everything along."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from accounts.avatars.initials import colour, initials
from accounts.avatars.storage import picture_url
from accounts.models import User
from conversations.models import Conversation, Message, Participant
from conversations.protocol import objects
from conversations.protocol.objects import instant, instant_or_none


def card(user: User) -> objects.Card:
    """A person as others see them; a closed account keeps its place without its name."""
    return objects.Card(
        id=user.public_id,
        username=user.username,
        name=user.name,
        avatar=picture_url(user.picture) or None,
        initials=initials(user.name or user.username),
        colour=colour(user.public_id),
    )


def message(row: Message, *, sender: str) -> objects.Message:
    """`sender` is the public id of row.sender. A row that cannot be told is replaced by a placeholder of the same numbers: one spoiled row
    must never keep both people from all that came after it (safety.md F30, T34)."""
    try:
        return told(row, sender)
    except (ValueError, TypeError, AttributeError):
        return placeholder(row, sender)


def placeholder(row: Message, sender: str) -> objects.Message:
    """A kind that no browser knows, which all of them show as such."""
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
        attachments=[],
        reactions=[],
        created_at=instant(created_at or datetime.fromtimestamp(0, UTC)),
        edited_at=None,
        deleted_at=None,
    )


def told(row: Message, sender: str) -> objects.Message:
    return objects.Message(
        seq=row.seq,
        version=row.version,
        id=str(row.client_id),
        sender=sender,
        ordinal=row.ordinal,
        kind=row.kind,
        body=row.body,
        reply_to=row.reply_to,
        attachments=[],
        reactions=[],
        created_at=instant(row.created_at),
        edited_at=instant_or_none(row.edited_at),
        deleted_at=instant_or_none(row.deleted_at),
    )


def conversation(
    row: Conversation,
    *,
    me: Participant,
    peer_participant: Participant,
    viewer: User,
    peer: User,
    last: Message | None,
) -> objects.Conversation:
    """A row of the viewer's list. The peer's positions are those the viewer may see."""
    names = {viewer.id: viewer.public_id, peer.id: peer.public_id}
    return objects.Conversation(
        room=row.room_name,
        peer=card(peer),
        head=row.head,
        mark=me.mark,
        unread=me.unread,
        received=me.received,
        read=me.read_seq,
        read_count=me.read_count,
        marked_unread=me.marked_unread,
        peer_read=peer_participant.shown_read,
        peer_delivered=peer_participant.shown_delivered,
        last_message=None if last is None else message(last, sender=names.get(last.sender_id, "")),
        activity=instant_or_none(me.activity),
        state=row.state,  # type: ignore[arg-type]
        requested_by=None if row.requested_by_id is None else names[row.requested_by_id],
        muted_until=instant_or_none(me.muted_until),
        archived=me.archived_at is not None,
        pinned=me.pinned_at is not None,
        blocked=row.low_blocks if viewer.id == row.low_id else row.high_blocks,
        can_send=can_send(row, peer),
    )


def can_send(row: Conversation, peer: User) -> bool:
    """One answer for closed by either, blocked by either, and an account that is gone."""
    return (
        row.state != Conversation.State.CLOSED
        and not row.low_blocks
        and not row.high_blocks
        and peer.is_active
    )


def receipts(
    *, me: Participant, peer_participant: Participant, viewer: User, peer: User
) -> list[objects.Receipt]:
    return [
        objects.Receipt(user=viewer.public_id, delivered=me.delivered_seq, read=me.read_seq),
        objects.Receipt(
            user=peer.public_id, delivered=peer_participant.shown_delivered, read=peer_participant.shown_read
        ),
    ]
