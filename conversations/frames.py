"""Frames: what a socket replies with, composed from selectors and serializers.

What queries the database is a plain function, run by the database executor; the consumer stays free of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice

from django.conf import settings

from accounts.models import User
from accounts.session_validity import Credential, SessionStatus, session_status
from conversations import serializers, throttling
from conversations.access import access_conversation, access_conversations
from conversations.exceptions import Refusal, Unauthenticated
from conversations.protocol.codes import RETRYABLE, CloseCode, ErrorCode
from conversations.protocol.commands import Command
from conversations.protocol.events import Bye, ConnectionEstablished
from conversations.protocol.events import Heads as HeadsFrame
from conversations.protocol.objects import instant
from conversations.protocol.replies import Error, SyncPage
from conversations.protocol.sizes import row_in_frame
from conversations.protocol.text import BODY_CHARS
from conversations.selectors.changes import Changes, changes_after, changes_of
from conversations.selectors.conversations import Heads, head_of, heads

ROOMS_PER_FRAME = 500
"""Heads of so many rooms stay below 64 KiB."""
ALL_ROOMS = 100_000


def greeting(user: User, room: str | None) -> ConnectionEstablished:
    """Raises ConversationNotFound when the room is not, or no longer, this user's."""
    known = heads(user_id=user.id) if room is None else head_of(access_conversation(user, room))
    return ConnectionEstablished(
        user=serializers.card(user),
        epoch=known.epoch,
        now=instant(datetime.now(UTC)),
        heartbeat_ms=settings.HEARTBEAT_MS,
        limits={
            "body_chars": BODY_CHARS,
            "frame_bytes": 65_536,
            "rooms_open": 50,
            "sync_rooms": 100,
            "edit_window_s": settings.EDIT_WINDOW_S,
            **throttling.announced_limits(),
            "attachments": throttling.attachment_limits(),
        },
        rooms=known.rooms,
        marks=known.marks,
        unread_total=known.unread.total if known.unread else 0,
        unread_chats=known.unread.chats if known.unread else 0,
    )


def ensure_session_valid(credential: Credential) -> None:
    """Raises Unauthenticated when session or account lost its rights since the socket was opened (P9)."""
    if session_status(credential) is not SessionStatus.VALID:
        raise Unauthenticated


def all_heads(user: User, room: str | None) -> list[HeadsFrame]:
    known = (
        heads(user_id=user.id, limit=ALL_ROOMS) if room is None else head_of(access_conversation(user, room))
    )
    return list(heads_frames(known)) or [
        HeadsFrame(epoch=known.epoch, rooms={}, marks={}, unread_total=0, unread_chats=0)
    ]


def heads_frames(known: Heads, *, only: str | None = None) -> Iterator[HeadsFrame]:
    """Split so that each frame stays below 64 KiB; `more` says that another one follows."""
    names = iter([room for room in known.rooms if only is None or room == only])
    part = list(islice(names, ROOMS_PER_FRAME))
    while part:
        following = list(islice(names, ROOMS_PER_FRAME))
        yield HeadsFrame(
            epoch=known.epoch,
            rooms={room: known.rooms[room] for room in part},
            marks={room: known.marks[room] for room in part},
            more=bool(following),
            unread_total=known.unread.total if known.unread else None,
            unread_chats=known.unread.chats if known.unread else None,
        )
        part = following


def sync_page(user: User, room: str, after: int | None, mark: int | None, ref: str | None) -> SyncPage:
    """What a device with this cursor (and mark) lacks of one room; with a mark only, from the room's head on.

    Raises:
        ConversationNotFound: unknown, or not this user's.
    """
    membership = access_conversation(user, room)
    cursor = membership.conversation.head if after is None else after
    return page_frame(changes_after(membership=membership, after=cursor, mark=mark), viewer=user, ref=ref)


def sync_pages(user: User, rooms: Mapping[str, int], marks: Mapping[str, int]) -> list[SyncPage]:
    """The same for many rooms in few statements. Rooms that are not this user's are left out silently."""
    asked = {room: (rooms.get(room), marks.get(room)) for room in (*rooms, *marks)}
    memberships = access_conversations(user, asked)
    return [
        page_frame(changes, viewer=user)
        for changes in changes_of(memberships=list(memberships.values()), asked=asked)
    ]


def rooms_known(user: User, names: Sequence[str]) -> set[str]:
    """Those of the names that are rooms of this user."""
    return set(access_conversations(user, names))


def page_frame(changes: Changes, *, viewer: User, ref: str | None = None) -> SyncPage:
    row = changes.row
    senders = {viewer.id: viewer.public_id, row.peer.id: row.peer.public_id}
    wire = row_in_frame(serializers.conversation(row, viewer)) if changes.with_row else None
    return SyncPage(
        ref=ref,
        room=row.conversation.room_name,
        after=changes.after,
        version=changes.version,
        messages=[
            serializers.message(message, sender=senders.get(message.sender_id, ""))
            for message in changes.messages
        ],
        receipts=serializers.receipts(row, viewer),
        more=changes.more,
        reset=changes.reset,
        conversation=wire,
        hidden=list(changes.hidden) if changes.with_row else None,
        mark=row.me.mark if changes.with_row else None,
    )


def refusal(reason: Refusal, command: Command) -> Error:
    message_id = getattr(command, "id", None)
    return error(
        ErrorCode(reason.code),
        ref=command.ref,
        message_id=None if message_id is None else str(message_id),
        retry_after_ms=reason.retry_after_ms,
    )


def error(
    code: ErrorCode,
    *,
    ref: str | None = None,
    message_id: str | None = None,
    retry_after_ms: int | None = None,
) -> Error:
    is_retryable = code in RETRYABLE
    if is_retryable and retry_after_ms is None:
        retry_after_ms = 1_000
    return Error(
        ref=ref, code=code.value, retryable=is_retryable, retry_after_ms=retry_after_ms, id=message_id
    )


def bye(code: CloseCode, *, retry_after_ms: int = 0) -> Bye:
    return Bye(code=int(code), reason=code.reason, retryable=not code.is_final, retry_after_ms=retry_after_ms)
