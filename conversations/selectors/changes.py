"""Catch-up: the changes of a room after a device's cursor, read from the database alone (P4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conversations.access import Membership
from conversations.models import Message, Participant
from conversations.protocol.sizes import ROW_TEXT_BYTES, json_size
from conversations.selectors.conversations import ConversationRow, rows_for
from conversations.selectors.hidden_messages import hidden_since, seen_by
from conversations.serializers import draft_of

FAR_BEHIND = 1_000
"""A device with more changes to catch up than this gets the newest page instead."""
FRESH_PAGE = 50
PAGE_BYTES = 56 * 1024
"""Byte budget of the messages in a page; the frame around it stays below 64 KiB."""
FRAME_BYTES_PER_MESSAGE = 450
REPLY_BYTES = 130
"""Of a quote without its text."""
LARGEST_ROW = ROW_TEXT_BYTES + 10_240
"""A row with longer texts is sent without the end of its newest message and the looks of its files."""
CHUNK = 50


@dataclass(frozen=True, slots=True)
class Changes:
    """One page. `version` is the cursor after it. `with_row`: the page includes the row, because the mark was
    behind; `hidden` are then the numbers that the user deleted for themselves since that mark."""

    row: ConversationRow
    after: int
    version: int
    messages: list[Message]
    more: bool
    reset: bool
    with_row: bool
    hidden: Sequence[int] = ()


def changes_after(*, membership: Membership, after: int, mark: int | None = None) -> Changes:
    """The next page of changes. The head is read before the rows, so that the cursor never runs ahead of
    them."""
    me = Participant.objects.select_related("conversation", "peer").get(
        conversation_id=membership.conversation.id, user_id=membership.me.user_id
    )
    return changes_in(rows_for([me])[0], after, mark)


def changes_of(
    *, memberships: Sequence[Membership], asked: Mapping[str, tuple[int | None, int | None]]
) -> list[Changes]:
    """A page of each room, for a device that asks for many at once. An unchanged room costs no statement of
    its own.

    Args:
        memberships: read just before.
        asked: (cursor, mark) by room; without a cursor, from the head.
    """
    rows = {
        row.conversation.room_name: row for row in rows_for([membership.me for membership in memberships])
    }
    found = []
    for room, (after, mark) in asked.items():
        row = rows.get(room)
        if row is not None:
            found.append(changes_in(row, row.conversation.head if after is None else after, mark))
    return found


def changes_in(row: ConversationRow, after: int, mark: int | None) -> Changes:
    me = row.me
    head = row.conversation.head
    hidden = news_of_hidden(me, mark)
    is_reset = after > head or head - after > FAR_BEHIND or hidden is None
    wants_row = mark != me.mark if mark is not None else is_reset
    # The row includes the newest message and the draft, together nearly as long as a page: what does not fit
    # beside them comes first, and the row in a page of its own.
    row_size = size_of_row(row, hidden or ()) if wants_row else 0
    if is_reset:
        messages, is_whole, version = newest(me, head, PAGE_BYTES - row_size), True, head
    elif after == head:
        messages, is_whole, version = [], True, head
    else:
        numbers = changed_numbers(row.conversation.id, after, head)
        messages, is_whole = chunk_of(me, numbers, PAGE_BYTES - row_size)
        version = head if is_whole else numbers[len(messages) - 1][0]
    fits = not messages or sum(map(size_of, messages)) + row_size <= PAGE_BYTES
    return Changes(
        row,
        after,
        version,
        messages,
        more=not (is_whole and fits),
        reset=is_reset,
        with_row=wants_row and fits,
        hidden=hidden or (),
    )


def news_of_hidden(me: Participant, mark: int | None) -> list[int] | None:
    """What the user deleted for themselves since this mark. None if it is too much for a page: the newest
    page, with an empty place for each, is then the shorter answer."""
    if mark is None or mark >= me.mark:
        return []
    return hidden_since(conversation_id=me.conversation_id, user_id=me.user_id, mark=mark)


def size_of_row(row: ConversationRow, hidden: Sequence[int]) -> int:
    draft = draft_of(row.me)
    texts = (size_of(row.last) if row.last else 0) + (json_size(draft) if draft else 0)
    return min(texts, LARGEST_ROW) + sum(len(str(seq)) + 1 for seq in hidden)


def changed_numbers(conversation_id: int, after: int, head: int) -> list[tuple[int, int]]:
    """(version, seq) of everything after the cursor, ascending: new messages by key, later changes by their
    index."""
    mine = Message.objects.filter(conversation_id=conversation_id)
    new = mine.filter(seq__gt=after, seq__lte=head).values_list("version", "seq")
    later = mine.changed_later(after).values_list("version", "seq")
    return sorted(pair for pair in {*new, *later} if pair[0] <= head)


def chunk_of(me: Participant, numbers: list[tuple[int, int]], budget: int) -> tuple[list[Message], bool]:
    """As many rows as the byte budget allows, in the order of `numbers`; at least one, so that a page always
    advances."""
    taken: list[Message] = []
    for start in range(0, len(numbers), CHUNK):
        seqs = [seq for _, seq in numbers[start : start + CHUNK]]
        rows = Message.objects.filter(conversation_id=me.conversation_id, seq__in=seqs)
        found = {message.seq: message for message in seen_by(rows, me.user_id)}
        for seq in seqs:
            budget -= size_of(found[seq])
            if taken and budget < 0:
                return taken, False
            taken.append(found[seq])
    return taken, True


def size_of(message: Message) -> int:
    """Bytes of a message inside a frame. The body of a corrupt row may be no text."""
    body: object = message.body
    quote = REPLY_BYTES + json_size(message.reply.excerpt) if message.reply else 0
    others = sum(json_size(each) for each in (message.reactions, message.attachments) if each)
    return FRAME_BYTES_PER_MESSAGE + (json_size(body) if isinstance(body, str) else 0) + quote + others


def newest(me: Participant, head: int, budget: int) -> list[Message]:
    """The newest rows that fit the byte budget, ascending; at least one, if there is any."""
    rows = Message.objects.filter(conversation_id=me.conversation_id, seq__lte=head, seq__gt=me.cleared_seq)
    taken: list[Message] = []
    for message in seen_by(rows.order_by("-seq")[:FRESH_PAGE], me.user_id):
        budget -= size_of(message)
        if taken and budget < 0:
            break
        taken.append(message)
    return taken[::-1]
