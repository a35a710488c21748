"""Messages that a user deleted for themselves or cleared: each page of that user has an empty place instead.

All queries that show messages to one user go through `seen_by`.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from conversations.models import HiddenMessage, Message
from conversations.selectors.quotes import add_quotes, hidden_from

LARGEST_NEWS = 1_000
"""A device that missed more hidden messages than this gets a fresh page instead."""


def seen_by(messages: QuerySet[Message], user_id: int) -> list[Message]:
    """Run the query and empty, in memory, what this user deleted for themselves or cleared; fill in what
    replies show of the messages they answer. No statement of its own, and one for all quotes if there are
    any."""
    return seen_together([messages], user_id)[0]


def seen_together(queries: Sequence[QuerySet[Message]], user_id: int) -> list[list[Message]]:
    """The same for the queries of one page, with one statement for the quotes of all."""
    whose = Q(user_id=user_id)
    pages = [blanked(messages, whose) for messages in queries]
    add_quotes([message for page in pages for message in page], whose)
    return pages


def seen_by_peers_of(messages: QuerySet[Message], user_id: int) -> list[Message]:
    """The same for messages of many conversations of one user, as the other person of each sees them."""
    found = blanked(messages, ~Q(user_id=user_id))
    add_quotes(found, ~Q(user_id=user_id))
    return found


def blanked(messages: QuerySet[Message], whose: Q) -> list[Message]:
    found: list[Message] = []
    for message in messages.annotate(is_hidden=hidden_from(whose)):
        if message.is_hidden:
            message.deleted_for_me = True
            message.blank()
        found.append(message)
    return found


def hidden_since(*, conversation_id: int, user_id: int, mark: int) -> list[int] | None:
    """The numbers of all messages that the user has hidden since that mark; None if there are too many to
    list."""
    rows = HiddenMessage.objects.filter(conversation_id=conversation_id, user_id=user_id, mark__gt=mark)
    seqs = list(rows.order_by("mark").values_list("seq", flat=True)[: LARGEST_NEWS + 1])
    return seqs if len(seqs) <= LARGEST_NEWS else None
