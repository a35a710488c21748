"""Service: store what a user has typed and not sent, so that it follows them to their other devices."""

from __future__ import annotations

from concurrent.futures import Future

from accounts.models import User
from accounts.session_validity import Credential
from conversations.journal import DraftCommand, Drafted, submit
from conversations.protocol.text import clean_draft
from conversations.services.row_pushes import push_row_soon


def draft_set(*, user: User, room: str, body: str, credential: Credential | None = None) -> Future[Drafted]:
    """Store the draft of this user in one conversation; an empty body removes it.

    Raises at once: InvalidText, TextTooLong (nothing is cut), Busy. The future fails with
        ConversationNotFound, or Unauthenticated (the credential has been revoked).
    Repeats: the same text changes nothing.
    Announces after the commit: `conversation.changed` to the user's own devices, and to no other user.
    """
    command = DraftCommand(
        room=room,
        user_id=user.id,
        body=clean_draft(body),
        credential=credential,
        announce=push_row_soon,
    )
    return submit(command)
