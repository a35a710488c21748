"""Notifications of a changed row of the list: pushed after the commit to the devices that show it."""

from __future__ import annotations

import logging

from django.db import transaction

from accounts.models import User
from conversations import serializers
from conversations.delivery import Push, publish, request_presence_refresh
from conversations.models import Conversation
from conversations.protocol.events import ConversationChanged
from conversations.protocol.sizes import row_in_frame
from conversations.rooms import user_group
from conversations.selectors.conversations import ConversationRow, row_of

logger = logging.getLogger(__name__)


def announce_conversation(conversation: Conversation, *user_ids: int) -> None:
    """After the commit, push `conversation.changed` to every device of these users in whose list it shows."""

    def announce() -> None:
        push_conversation(conversation.id, user_ids)
        refresh_presence(conversation)

    # An inner function, not a partial: Django 5.2 needs its name when it logs a failure.
    transaction.on_commit(announce, robust=True)


def refresh_presence(conversation: Conversation) -> None:
    """For both users, even if the row was pushed to one: a block is announced to one, and ends the presence
    the other sees."""
    low, high = conversation.low_id, conversation.high_id
    request_presence_refresh([(user_group(low), high), (user_group(high), low)])


def push_conversation(conversation_id: int, user_ids: tuple[int, ...]) -> None:
    publish([push for user_id in user_ids if (push := push_for(conversation_id, user_id)) is not None])


def push_for(conversation_id: int, user_id: int) -> Push | None:
    row = row_of(conversation_id, user_id)
    return None if row is None else push_of(row, viewer=User.objects.get(id=user_id))


def push_of(row: ConversationRow, *, viewer: User) -> Push:
    """`conversation.changed` for every device of one user."""
    wire = row_in_frame(serializers.conversation(row, viewer))
    frame = ConversationChanged(conversation=wire)
    return Push(
        user_group(viewer.pk),
        row.conversation.room_name,
        frame.encode(),
        head=row.conversation.head,
        mark=row.me.mark,
    )


def announce_meeting(user_a: int, user_b: int) -> None:
    """From now on these two see each other's presence: the sockets of both query it again. Call it after the
    commit."""
    request_presence_refresh([(user_group(user_a), user_b), (user_group(user_b), user_a)])
