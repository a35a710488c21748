"""Service: set or remove one's reaction to a message."""

from __future__ import annotations

from concurrent.futures import Future

from accounts.models import User
from accounts.session_validity import Credential
from conversations.journal import Changed, ReactionCommand, submit
from conversations.protocol.emoji import clean_emoji


def reaction_set(
    *, user: User, room: str, seq: int, emoji: str, on: bool, credential: Credential | None = None
) -> Future[Changed]:
    """React to a message, or take this reaction back. One reaction a user and message: another emoji replaces
    it, and taking back one that is not there changes nothing.

    Raises at once: InvalidText (not one fully qualified emoji), Busy. The future fails with
        ConversationNotFound, MessageNotFound, MessageGone (deleted, hidden, worded by the server),
        CannotDeliver, or Unauthenticated.
    Repeats: change nothing and take no number.
    Announces after the commit: `message.changed` to both people.
    """
    command = ReactionCommand(
        room=room,
        user_id=user.id,
        sender=user.public_id,
        seq=seq,
        emoji=clean_emoji(emoji),
        on=on,
        credential=credential,
    )
    return submit(command)
