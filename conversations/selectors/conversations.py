"""Questions about conversations: the list, one row of it, and the heads a device compares itself with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from accounts.cursors import cursor_read, cursor_write
from accounts.models import User
from conversations.access import Seat
from conversations.models import Conversation, Epoch, Message, Participant

HEADS = 100
"""Conversations whose numbers a greeting tells."""


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One line of somebody's list."""

    conversation: Conversation
    me: Participant
    peer_seat: Participant
    peer: User
    last: Message | None


@dataclass(frozen=True, slots=True)
class ConversationPage:
    items: list[ConversationRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class Heads:
    """What a device compares itself with: the newest number and the mark of each room."""

    epoch: str
    rooms: dict[str, int]
    marks: dict[str, int]
    more: bool = False


def conversation_list(*, user: User, cursor: str | None = None, limit: int = 60) -> ConversationPage:
    """The newest conversations first: one walk along the index, four statements however long the list is.

    Raises:
        BadCursor: the cursor is not one of ours.
    """
    mine = Participant.objects.filter(user_id=user.id, activity__isnull=False)
    if cursor:
        activity, conversation_id = read_cursor(cursor, user_id=user.id)
        mine = mine.filter(Q(activity__lt=activity) | Q(activity=activity, conversation_id__lt=conversation_id))
    seats = list(mine.select_related("conversation", "peer").order_by("-activity", "-conversation_id")[: limit + 1])
    rows = rows_for(seats[:limit])
    return ConversationPage(rows, write_cursor(seats[limit - 1]) if len(seats) > limit else None)


def conversation_row(seat: Seat) -> ConversationRow:
    """The line of one conversation; three statements."""
    me = Participant.objects.select_related("conversation", "peer").get(conversation_id=seat.conversation.id, user_id=seat.me.user_id)
    return rows_for([me])[0]


def row_of(conversation_id: int, user_id: int) -> ConversationRow | None:
    """The line of a conversation in this person's list, if it shows there. For announcements; doors go through access."""
    mine = Participant.objects.select_related("conversation", "peer").filter(
        conversation_id=conversation_id, user_id=user_id, activity__isnull=False
    )
    rows = rows_for(list(mine))
    return rows[0] if rows else None


def rows_for(seats: Sequence[Participant]) -> list[ConversationRow]:
    if not seats:
        return []
    ids = [seat.conversation_id for seat in seats]
    peers = {seat.conversation_id: seat for seat in Participant.objects.filter(conversation_id__in=ids, peer_id=seats[0].user_id)}
    last = last_messages([seat.conversation for seat in seats])
    return [
        ConversationRow(seat.conversation, seat, peers[seat.conversation_id], seat.peer, last.get(seat.conversation_id)) for seat in seats
    ]


def last_messages(conversations: Sequence[Conversation]) -> dict[int, Message]:
    """The newest message of each, found by key. The head may number a later change; then the newest message stands lower."""
    wanted = Q()
    for conversation in conversations:
        wanted |= Q(conversation_id=conversation.id, seq=conversation.head)
    found = {message.conversation_id: message for message in Message.objects.filter(wanted)} if conversations else {}
    for conversation in conversations:
        if conversation.head and conversation.id not in found:
            newest = Message.objects.filter(conversation_id=conversation.id).order_by("-seq").first()
            if newest is not None:
                found[conversation.id] = newest
    return found


def heads(*, user_id: int, limit: int = HEADS) -> Heads:
    """Numbers of the latest conversations; two statements."""
    rows = Participant.objects.filter(user_id=user_id, activity__isnull=False).order_by("-activity", "-conversation_id")
    found = list(rows.values_list("conversation__room_name", "conversation__head", "mark")[: limit + 1])
    kept = found[:limit]
    return Heads(epoch(), {room: head for room, head, _ in kept}, {room: mark for room, _, mark in kept}, more=len(found) > limit)


def head_of(seat: Seat) -> Heads:
    """The same for the one room of a filtered socket."""
    room = seat.conversation.room_name
    return Heads(epoch(), {room: seat.conversation.head}, {room: seat.me.mark})


def moved_since(since: datetime, *, overlap: timedelta) -> list[tuple[str, int, int, int]]:
    """(room, head, user, mark) of every conversation that changed since; one indexed statement for the whole process.

    A hint, never a cursor: the overlap covers transactions that committed late under an early time.
    """
    rows = Participant.objects.filter(conversation__changed_at__gte=since - overlap, activity__isnull=False)
    return list(rows.values_list("conversation__room_name", "conversation__head", "user_id", "mark"))


def room_with(*, user_id: int, peer_id: int) -> str | None:
    """The room of the conversation with this person, if it shows in my list."""
    rows = Participant.objects.filter(user_id=user_id, peer_id=peer_id, activity__isnull=False)
    return rows.values_list("conversation__room_name", flat=True).first()


def total_unread(*, user: User) -> int:
    """Unread messages over all conversations that are not muted, by arithmetic on their rows."""
    now = datetime.now(UTC)
    rows = Participant.objects.filter(user_id=user.id, activity__isnull=False).exclude(muted_until__gt=now)
    return sum(received - read for received, read in rows.values_list("received", "read_count"))


def epoch() -> str:
    return Epoch.objects.values_list("value", flat=True).get(id=1)


def write_cursor(seat: Participant) -> str:
    activity = seat.activity or datetime.fromtimestamp(0, UTC)
    return cursor_write([activity.isoformat(), seat.conversation_id], name="conversations", user_id=seat.user_id)


def read_cursor(cursor: str, *, user_id: int) -> tuple[datetime, int]:
    """Raises BadCursor."""
    activity, conversation_id = cursor_read(cursor, name="conversations", user_id=user_id)
    return datetime.fromisoformat(activity), conversation_id
