"""Tells people, after the commit, that a row of their list is new or has changed."""

from __future__ import annotations

import logging

from django.db import transaction

from accounts.models import User
from conversations import serializers
from conversations.delivery import Push, publish, request_presence_refresh
from conversations.models import Conversation
from conversations.protocol.events import ConversationChanged
from conversations.rooms import user_group
from conversations.selectors.conversations import ConversationRow, row_of

logger = logging.getLogger(__name__)


def announce_conversation(conversation: Conversation, *user_ids: int) -> None:
    """After the commit, `conversation.changed` goes to every device of these people in whose list the conversation shows."""

    def tell() -> None:
        tell_people(conversation.id, user_ids)
        look_again(conversation)

    # An inner function, not a partial: Django 5.2 needs its name when it logs a failure.
    transaction.on_commit(tell, robust=True)


def look_again(conversation: Conversation) -> None:
    """Both, whoever is told of the row: a block is announced to one of them, and what the other one sees of the moment ends with it."""
    low, high = conversation.low_id, conversation.high_id
    request_presence_refresh([(user_group(low), high), (user_group(high), low)])


def tell_people(conversation_id: int, user_ids: tuple[int, ...]) -> None:
    publish([letter for user_id in user_ids if (letter := letter_for(conversation_id, user_id)) is not None])


def letter_for(conversation_id: int, user_id: int) -> Push | None:
    row = row_of(conversation_id, user_id)
    return None if row is None else letter_of(row, viewer=User.objects.get(id=user_id))


def letter_of(row: ConversationRow, *, viewer: User) -> Push:
    """`conversation.changed` for every device of one person."""
    wire = serializers.conversation(row, viewer)
    frame = ConversationChanged(conversation=wire)
    return Push(
        user_group(viewer.pk),
        row.conversation.room_name,
        frame.encode(),
        head=row.conversation.head,
        mark=row.me.mark,
    )


def announce_meeting(user_a: int, user_b: int) -> None:
    """From now on these two may see each other's presence: the sockets of both look again. After the commit."""
    request_presence_refresh([(user_group(user_a), user_b), (user_group(user_b), user_a)])
