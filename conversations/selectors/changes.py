"""What a device missed: everything of one room with a version after its cursor, read from the log alone (P4)."""

from __future__ import annotations

from dataclasses import dataclass

from conversations.access import Seat
from conversations.models import Conversation, Message, Participant
from conversations.selectors.conversations import ConversationRow, rows_for

FAR_BEHIND = 1_000
"""Changes after which a fresh page is cheaper than the way there."""
FRESH_PAGE = 50
PAGE_BYTES = 56 * 1024
"""Room for messages in a page; the frame around it stays below 64 KiB."""
FRAME_BYTES_PER_MESSAGE = 420
CHUNK = 50


@dataclass(frozen=True, slots=True)
class Changes:
    """One page. `version` is the cursor after it. `row` is there when the caller's mark was behind."""

    row: ConversationRow
    after: int
    version: int
    messages: list[Message]
    more: bool
    reset: bool
    mark_behind: bool


def changes_after(*, seat: Seat, after: int, mark: int | None = None) -> Changes:
    """The next page of changes. The counter is read before the rows, so that the cursor never runs ahead of them."""
    me = Participant.objects.select_related("conversation", "peer").get(conversation_id=seat.conversation.id, user_id=seat.me.user_id)
    row = rows_for([me])[0]
    head = row.conversation.head
    is_behind = mark is not None and mark != me.mark
    if after > head or head - after > FAR_BEHIND:
        return Changes(row, after, head, newest(row.conversation, head), more=False, reset=True, mark_behind=is_behind or mark is None)
    numbers = changed_numbers(row.conversation.id, after, head)
    messages, is_whole = chunk_of(row.conversation.id, numbers)
    version = head if is_whole else numbers[len(messages) - 1][0]
    return Changes(row, after, version, messages, more=not is_whole, reset=False, mark_behind=is_behind)


def changed_numbers(conversation_id: int, after: int, head: int) -> list[tuple[int, int]]:
    """(version, seq) of everything after the cursor, ascending: births along the key, later changes along their small index."""
    mine = Message.objects.filter(conversation_id=conversation_id)
    births = mine.filter(seq__gt=after, seq__lte=head).values_list("version", "seq")
    later = mine.changed_later(after).values_list("version", "seq")
    return sorted(pair for pair in {*births, *later} if pair[0] <= head)


def chunk_of(conversation_id: int, numbers: list[tuple[int, int]]) -> tuple[list[Message], bool]:
    """As many rows as fit a frame, in the order of `numbers`; at least one, so that a page always moves on."""
    taken: list[Message] = []
    size = 0
    for start in range(0, len(numbers), CHUNK):
        seqs = [seq for _, seq in numbers[start : start + CHUNK]]
        found = {message.seq: message for message in Message.objects.filter(conversation_id=conversation_id, seq__in=seqs)}
        for seq in seqs:
            size += FRAME_BYTES_PER_MESSAGE + json_size(found[seq].body)
            if taken and size > PAGE_BYTES:
                return taken, False
            taken.append(found[seq])
    return taken, True


def json_size(body: str) -> int:
    """Bytes of a body inside a frame; escapes of quotes, line ends and controls counted at their worst."""
    return len(body.encode()) + 5 * sum(body.count(char) for char in '"\\\n\t') + 6 * sum(1 for char in body if char < " ")


def newest(conversation: Conversation, head: int) -> list[Message]:
    rows = list(Message.objects.filter(conversation_id=conversation.id, seq__lte=head).order_by("-seq")[:FRESH_PAGE])[::-1]
    size = 0
    for index in range(len(rows) - 1, -1, -1):
        size += FRAME_BYTES_PER_MESSAGE + json_size(rows[index].body)
        if size > PAGE_BYTES:
            return rows[index + 1 :] or rows[-1:]
    return rows
