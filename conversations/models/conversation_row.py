"""A conversation as one user's list shows it: rows of several tables together."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from conversations.models.conversation import Conversation, Participant
from conversations.models.message import Message


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One row of a user's list."""

    conversation: Conversation
    me: Participant
    peer_participant: Participant
    peer: User
    last: Message | None
