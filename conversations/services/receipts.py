"""Service: move a user's delivered and read positions forward."""

from __future__ import annotations

from concurrent.futures import Future

from accounts.models import User
from accounts.session_validity import Credential
from conversations.journal import Advanced, ReceiptCommand, submit


def receipt_advance(
    *,
    user: User,
    room: str,
    delivered: int | None = None,
    read: int | None = None,
    credential: Credential | None = None,
) -> Future[Advanced]:
    """Move this user's positions forward; they never go back and never pass the head.

    The future fails with ConversationNotFound.
    Announces: `receipt.advanced` to the user's own devices, and to the peer what the peer may see.
    """
    command = ReceiptCommand(
        room=room,
        user_id=user.id,
        reader=user.public_id,
        delivered=delivered,
        read=read,
        credential=credential,
    )
    return submit(command)
