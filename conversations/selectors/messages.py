"""Queries about the history of one conversation: pages by key, never by offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from uuid import UUID

from conversations.access import Membership
from conversations.exceptions import MessageNotFound
from conversations.models import Conversation, Message
from conversations.selectors.hidden_messages import seen_by, seen_together

PAGE = 50
LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class MessagePage:
    """`version` is read before the rows, so that a device may go live from it. `has_older`: there are
    messages before the first item."""

    items: Sequence[Message]
    version: int
    has_older: bool
    has_newer: bool = False


def message_page(
    *,
    membership: Membership,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
    chars: int | None = None,
) -> MessagePage:
    """A page of history, ascending; the newest one without `before` and `after` (exclusive). Two statements,
    and one for all quotes if there are any.

    Args:
        chars: without `after`, fewer messages if their texts are longer than this together.
    """
    version = Conversation.objects.values_list("head", flat=True).get(id=membership.conversation.id)
    limit = max(1, min(limit, LARGEST_PAGE))
    stored = Message.objects.filter(conversation_id=membership.conversation.id)
    if before is not None:
        stored = stored.before(before)
    if after is not None:
        rows = stored.after(after, membership.me.cleared_seq)
        items = seen_by(rows.order_by("seq")[:limit], membership.me.user_id)
        return MessagePage(items, version, has_older=True)
    rows = stored.after(membership.me.cleared_seq)
    newest_first = seen_by(rows.order_by("-seq")[: limit + 1], membership.me.user_id)
    kept = within(chars, newest_first[:limit])
    return MessagePage(kept[::-1], version, has_older=len(newest_first) > len(kept))


def within(chars: int | None, nearest_first: Sequence[Message]) -> Sequence[Message]:
    """The first of these messages, as many as have so much text together; at least one."""
    if chars is None:
        return nearest_first
    # The body of a corrupt row may be no text.
    sizes = accumulate(len(message.body) if message.body else 0 for message in nearest_first)
    count = sum(size <= chars for size in sizes)
    return nearest_first[: max(1, count)]


def message_page_around(
    *, membership: Membership, seq: int, version: int, side: int = PAGE // 2, chars: int | None = None
) -> MessagePage:
    """A page in the middle of history: message `seq`, if it exists, and up to `side` messages on either side.
    Two statements, and one if there are quotes. `version` was read before; `chars` as for `message_page`.
    """
    stored = Message.objects.filter(conversation_id=membership.conversation.id)
    cleared = membership.me.cleared_seq
    queries = [
        stored.after(cleared).before(seq).order_by("-seq")[: side + 1],
        stored.after(seq - 1, cleared).order_by("seq")[: side + 2],
    ]
    below, above = seen_together(queries, membership.me.user_id)
    half = None if chars is None else chars // 2
    older, newer = within(half, below[:side]), within(half, above[: side + 1])
    return MessagePage(
        [*older[::-1], *newer],
        version,
        has_older=len(below) > len(older),
        has_newer=len(above) > len(newer),
    )


def message_at(*, membership: Membership, seq: int) -> Message:
    """One message of my conversation.

    Raises:
        MessageNotFound: there is none with this number, or I have cleared the chat since.
    """
    rows = Message.objects.filter(
        conversation_id=membership.conversation.id, seq=seq, seq__gt=membership.me.cleared_seq
    )
    for message in seen_by(rows, membership.me.user_id):
        return message
    raise MessageNotFound


def stored_message(*, membership: Membership, seq: int) -> Message:
    """The same for one that I have just sent, or sent before: empty if I have cleared the chat since.

    Raises: MessageNotFound.
    """
    rows = Message.objects.filter(conversation_id=membership.conversation.id, seq=seq)
    for message in seen_by(rows, membership.me.user_id):
        return message
    raise MessageNotFound


def was_sent(*, user_id: int, room: str, id: UUID) -> bool:
    """Has this user stored a message under this id? Asked about repeats, so the text is not compared."""
    return Message.objects.filter(conversation__room_name=room, client_id=id, sender_id=user_id).exists()
