"""Queries about conversations: the list, one row of it, the heads for a device, and what has changed for the
poller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import Count, F, IntegerField, Max, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from accounts.cursors import cursor_read, cursor_write
from accounts.folding import search_key
from accounts.models import Profile, User
from accounts.selectors import QUERY_MAX
from conversations.access import Membership
from conversations.models import Conversation, Epoch, Message, Participant
from conversations.models.conversation_row import ConversationRow as ConversationRow
from conversations.selectors.hidden_messages import seen_by, seen_by_peers_of

HEADS = 100
"""Conversations in the greeting of a socket."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Unread messages in all chats that are not muted, by arithmetic on their rows."""

    total: int = 0
    chats: int = 0


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """`unread` is read in the same statement as the rows, so that a device can add events without counting
    any twice."""

    items: list[ConversationRow]
    next: str | None
    unread: Unread = Unread()


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """How far a poll has read, in transaction numbers: all below `following`, except those that were still
    running. Older positions compare smaller."""

    following: int
    running: tuple[int, ...] = field(default=(), compare=False)

    def overlapping(self, numbers: int) -> Position:
        """A position so many numbers earlier."""
        return Position(max(0, self.following - numbers), self.running)


@dataclass(frozen=True, slots=True)
class Heads:
    """The newest number and the mark of each room, for a device to compare with its own."""

    epoch: str
    rooms: dict[str, int]
    marks: dict[str, int]
    more: bool = False
    unread: Unread | None = None


def conversation_list(
    *, user: User, cursor: str | None = None, limit: int = 60, rooms: Sequence[str] | None = None
) -> ConversationPage:
    """The user's conversations, newest first; with `rooms`, only those of them. Three statements, or four if
    the newest change of some chats is no new message, however long the list is.

    Raises:
        BadCursor: the cursor is not one of ours.
    """
    mine = with_unread(Participant.objects.filter(user_id=user.id, activity__isnull=False), user.id)
    if rooms is not None:
        mine = mine.filter(conversation__room_name__in=rooms)
    if cursor:
        activity, conversation_id = read_cursor(cursor, user_id=user.id)
        mine = mine.filter(
            Q(activity__lt=activity) | Q(activity=activity, conversation_id__lt=conversation_id)
        )
    participants: list[Any] = list(
        mine.select_related("conversation", "peer").order_by("-activity", "-conversation_id")[: limit + 1]
    )
    rows = rows_for(participants[:limit])
    unread = (
        Unread(participants[0].unread_total, participants[0].unread_chats)
        if participants
        else unread_of(user_id=user.id)
    )
    return ConversationPage(
        rows, write_cursor(participants[limit - 1]) if len(participants) > limit else None, unread
    )


def counted(user_id: int) -> QuerySet[Participant, Any]:
    """One group of all chats that have unread messages and are not muted."""
    rows = Participant.objects.filter(
        user_id=user_id, activity__isnull=False, archived_at__isnull=True, received__gt=F("read_count")
    )
    return rows.exclude(muted_until__gt=datetime.now(UTC)).order_by().values("user_id")


TOTAL = Sum(F("received") - F("read_count"))
CHATS = Count("conversation_id")


def with_unread(mine: QuerySet[Participant], user_id: int) -> QuerySet[Participant]:
    """The same two numbers on each row. The subqueries name no outer column, so the database runs each
    once."""
    whole = IntegerField()
    total = Subquery(counted(user_id).annotate(number=TOTAL).values("number"), output_field=whole)
    chats = Subquery(counted(user_id).annotate(number=CHATS).values("number"), output_field=whole)
    return mine.annotate(unread_total=Coalesce(total, Value(0)), unread_chats=Coalesce(chats, Value(0)))


def unread_of(*, user_id: int) -> Unread:
    found = list(counted(user_id).annotate(total=TOTAL, chats=CHATS).values_list("total", "chats"))
    return Unread(*found[0]) if found else Unread()


def conversation_row(membership: Membership) -> ConversationRow:
    """The row of one conversation; three statements."""
    me = Participant.objects.select_related("conversation", "peer").get(
        conversation_id=membership.conversation.id, user_id=membership.me.user_id
    )
    return rows_for([me])[0]


def row_of(conversation_id: int, user_id: int) -> ConversationRow | None:
    """The row of a conversation in a user's list, if it shows there. For pushes; transports go through
    `access`."""
    mine = Participant.objects.select_related("conversation", "peer").filter(
        conversation_id=conversation_id, user_id=user_id, activity__isnull=False
    )
    rows = rows_for(list(mine))
    return rows[0] if rows else None


def rows_for(participants: Sequence[Participant]) -> list[ConversationRow]:
    if not participants:
        return []
    ids = [participant.conversation_id for participant in participants]
    peers = {
        participant.conversation_id: participant
        for participant in Participant.objects.filter(
            conversation_id__in=ids, peer_id=participants[0].user_id
        )
    }
    viewer = participants[0].user_id
    last = last_messages(
        [participant.conversation for participant in participants], partial(seen_by, user_id=viewer)
    )
    return [
        ConversationRow(
            participant.conversation,
            participant,
            peers[participant.conversation_id],
            participant.peer,
            last.get(participant.conversation_id),
        )
        for participant in participants
    ]


def rows_of_peers(*, user_id: int, limit: int) -> list[ConversationRow]:
    """The chats with this user, each as the peer's list shows it, latest first; three statements."""
    showing = Participant.objects.filter(peer_id=user_id, activity__isnull=False).select_related(
        "conversation", "user", "peer"
    )
    participants = list(showing.order_by("-activity", "-conversation_id")[:limit])
    mine = Participant.objects.filter(
        user_id=user_id, conversation_id__in=[participant.conversation_id for participant in participants]
    )
    own = {participant.conversation_id: participant for participant in mine}
    last = last_messages(
        [participant.conversation for participant in participants],
        partial(seen_by_peers_of, user_id=user_id),
    )
    return [
        ConversationRow(
            participant.conversation,
            participant,
            own[participant.conversation_id],
            participant.peer,
            last.get(participant.conversation_id),
        )
        for participant in participants
    ]


def last_messages(
    conversations: Sequence[Conversation], read: Callable[[QuerySet[Message]], list[Message]]
) -> dict[int, Message]:
    """The newest message of each, by key. One statement, and one more for all whose head is no message
    number.

    Args:
        read: `seen_by` or `seen_by_peers_of`, which empty what the viewer deleted for themselves.
    """
    heads = [(row.id, row.head) for row in conversations if row.head]
    found = messages_at(heads, read)
    changed = [(id, newest_seq(id)) for id, _ in heads if id not in found]
    return found | messages_at(changed, read)


def newest_seq(conversation_id: int) -> Subquery:
    """Names no outer row, so the database runs it once, along the key."""
    return Subquery(
        Message.objects.filter(conversation_id=conversation_id).order_by("-seq").values("seq")[:1]
    )


def messages_at(
    keys: Sequence[tuple[int, int | Subquery]], read: Callable[[QuerySet[Message]], list[Message]]
) -> dict[int, Message]:
    """The messages with these (conversation, seq), by conversation. One statement, none without keys."""
    if not keys:
        return {}
    wanted = Q()
    for conversation_id, seq in keys:
        wanted |= Q(conversation_id=conversation_id, seq=seq)
    return {message.conversation_id: message for message in read(Message.objects.filter(wanted))}


def heads(*, user_id: int, limit: int = HEADS) -> Heads:
    """Numbers of the latest conversations, and the unread total; two statements."""
    rows: Any = with_unread(Participant.objects.filter(user_id=user_id, activity__isnull=False), user_id)
    rows = rows.order_by("-activity", "-conversation_id")
    found = list(
        rows.values_list(
            "conversation__room_name", "conversation__head", "mark", "unread_total", "unread_chats"
        )[: limit + 1]
    )
    kept = found[:limit]
    unread = Unread(*found[0][3:]) if found else Unread()
    return Heads(
        epoch(),
        {row[0]: row[1] for row in kept},
        {row[0]: row[2] for row in kept},
        more=len(found) > limit,
        unread=unread,
    )


def head_of(membership: Membership) -> Heads:
    """The same for the one room of a socket that is filtered to it."""
    room = membership.conversation.room_name
    unread = Unread(membership.me.unread, int(membership.me.unread > 0))
    return Heads(epoch(), {room: membership.conversation.head}, {room: membership.me.mark}, unread=unread)


def position() -> Position:
    """The position now. `moved_between` finds from here what is not visible yet, however late it commits."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT txid_current_snapshot()::text")
            _oldest, following, running = cursor.fetchone()[0].split(":")
        return Position(int(following), tuple(map(int, running.split(","))) if running else ())
    return Position((Conversation.objects.aggregate(newest=Max("moved"))["newest"] or 0) + 1)


def moved_between(since: Position, until: Position) -> list[tuple[str, int, int, int]]:
    """(room, head, user, mark) of every conversation that changed; one indexed statement for the whole
    process.

    A hint, never a cursor: a restored dump may have numbers of another cluster, hence the upper bound.
    """
    unseen = Q(conversation__moved__gte=since.following) | Q(conversation__moved__in=since.running)
    rows = Participant.objects.filter(unseen, conversation__moved__lt=until.following, activity__isnull=False)
    return list(rows.values_list("conversation__room_name", "conversation__head", "user_id", "mark"))


def room_with(*, user_id: int, peer_id: int) -> str | None:
    """The room of the conversation with this person, if it shows in my list."""
    rows = Participant.objects.filter(user_id=user_id, peer_id=peer_id, activity__isnull=False)
    return rows.values_list("conversation__room_name", flat=True).first()


def chats_named(*, user: User, q: str, limit: int) -> list[Participant]:
    """Chats of the user's list whose peer has all words of `q` in the name or username, the latest first; one
    statement."""
    rows = Participant.objects.filter(user_id=user.id, activity__isnull=False)
    for word in search_key(q.removeprefix("@")[:QUERY_MAX]).split():
        rows = rows.filter(peer__profile__search_key__contains=word)
    return list(rows.select_related("conversation", "peer").order_by("-activity", "-conversation_id")[:limit])


def startable_among(*, user_id: int, people: Sequence[User]) -> set[int]:
    """The listed users with whom `user_id` can start or open a chat: not those who take invites only, unless
    there is a chat already."""
    closed = [person.pk for person in people if person.profile.start_by == Profile.StartBy.ONLY_BY_INVITE]
    rows = Participant.objects.filter(user_id=user_id, peer_id__in=closed, activity__isnull=False)
    met = set(rows.values_list("peer_id", flat=True)) if closed else set()
    return {person.pk for person in people} - set(closed) | met


def epoch() -> str:
    return Epoch.objects.values_list("value", flat=True).get(id=1)


def write_cursor(participant: Participant) -> str:
    activity = participant.activity or datetime.fromtimestamp(0, UTC)
    return cursor_write(
        [activity.isoformat(), participant.conversation_id], name="conversations", user_id=participant.user_id
    )


def read_cursor(cursor: str, *, user_id: int) -> tuple[datetime, int]:
    """Raises BadCursor."""
    activity, conversation_id = cursor_read(cursor, name="conversations", user_id=user_id)
    return datetime.fromisoformat(activity), conversation_id
