"""Search in messages: the index names candidates, and each is judged on its row as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.cursors import BadCursor, cursor_read, cursor_write
from accounts.models import User
from conversations.access import Membership
from conversations.models import Message, Participant
from conversations.search_index.queries import Query, matches_of, query_of
from conversations.search_index.rows import LAST_ID, Hit, Scope, hits
from conversations.selectors.hidden_messages import seen_by
from conversations.selectors.message_text import text_of, words_of

PAGE = 30
CANDIDATES = (PAGE + 10, 200, 700)
"""Candidates of each round. A page that they do not fill ends there, with a cursor: the work of one request
is bounded, however many messages a user has hidden or cleared."""
JUDGED_CHARS = 320_000
"""Code points of text that one request compares with the query: 40 of the longest messages. The index is not
asked for all terms of a long query, so hundreds of texts could be compared for nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message that was found. `matches` are (start, length) in code points of its text."""

    participant: Participant
    message: Message
    matches: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class FoundPage:
    items: list[Found]
    next: str | None


def search_messages(
    *, user: User, typed: str, membership: Membership | None = None, cursor: str | None = None
) -> FoundPage:
    """The newest messages with all words of `typed`, in all conversations of the user's list or in one.

    Three to five statements a round, and at most three rounds.

    Args:
        typed: anything; only its first 500 characters are read. What has no two letters finds nothing.

    Raises:
        BadCursor: the cursor is not one of ours.
    """
    before = read_cursor(cursor, user.id) if cursor else LAST_ID
    query = query_of(typed)
    if not query.terms:
        return FoundPage([], None)
    scope = Scope(user.id, None if membership is None else membership.conversation.id)
    items: list[tuple[int, Found]] = []
    left = JUDGED_CHARS
    for size in CANDIDATES:
        candidates = hits(scope, query, before=before, limit=size)
        for id, length, found in judge(user, query, candidates):
            before, left = id, left - length
            if found is not None:
                items.append((id, found))
            if len(items) > PAGE:
                return page(items[:PAGE], write_cursor(items[PAGE - 1][0], user.id))
            if left <= 0:
                return page(items, write_cursor(before, user.id))
        if len(candidates) < size:
            return page(items, None)
        before = candidates[-1].id
    return page(items, write_cursor(before, user.id))


def page(items: Sequence[tuple[int, Found]], following: str | None) -> FoundPage:
    return FoundPage([found for _, found in items], following)


def judge(user: User, query: Query, candidates: Sequence[Hit]) -> Iterator[tuple[int, int, Found | None]]:
    """Id and length of each text that the user may see, and the message if it has all terms. Two statements;
    a text is compared when it is taken."""
    if not candidates:
        return
    keys = messages_with([(hit.conversation_id, hit.seq) for hit in candidates])
    # Through the user's own rows, so that a wrong row of the index shows nothing of others (T6).
    mine = {
        participant.conversation_id: participant
        for participant in Participant.objects.filter(
            user_id=user.id,
            activity__isnull=False,
            conversation_id__in={hit.conversation_id for hit in candidates},
        ).select_related("conversation", "peer")
    }
    rows = seen_by(Message.objects.filter(keys), user.id)
    messages = {(row.conversation_id, row.seq): row for row in rows if not row.deleted_for_me}
    for hit in candidates:
        participant = mine.get(hit.conversation_id)
        message = messages.get((hit.conversation_id, hit.seq))
        if participant is None or message is None or hit.seq <= participant.cleared_seq:
            continue
        words = words_of(message) or ""
        matches = matches_of(query, words)
        found = None if matches is None else Found(participant, message, within_text(matches, message))
        yield hit.id, len(words), found


def within_text(matches: Sequence[tuple[int, int]], message: Message) -> list[tuple[int, int]]:
    """Without those in the names of files."""
    end = len(text_of(message) or "")
    return [(start, min(length, end - start)) for start, length in matches if start < end]


def messages_with(keys: Sequence[tuple[int, int]]) -> Q:
    """The filter for these (conversation, seq)."""
    by_conversation: dict[int, list[int]] = {}
    for conversation_id, seq in keys:
        by_conversation.setdefault(conversation_id, []).append(seq)
    wanted = Q()
    for conversation_id, seqs in by_conversation.items():
        wanted |= Q(conversation_id=conversation_id, seq__in=seqs)
    return wanted


def write_cursor(id: int, user_id: int) -> str:
    return cursor_write([id], name="search", user_id=user_id)


def read_cursor(cursor: str, user_id: int) -> int:
    """Raises BadCursor."""
    match cursor_read(cursor, name="search", user_id=user_id):
        case [int(id)]:
            return id
    raise BadCursor("not a cursor")
