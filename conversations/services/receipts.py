"""How far somebody has come in a conversation."""

from __future__ import annotations

from concurrent.futures import Future
from typing import cast

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
    """Move this person's positions forward; they never go back and never pass the head.

    The future fails with ConversationNotFound. Announces `receipt.advanced` to the person's own devices, and to the peer what may be shown.
    """
    command = ReceiptCommand(
        room=room,
        user_id=user.id,
        reader=user.public_id,
        delivered=delivered,
        read=read,
        credential=credential,
    )
    return cast("Future[Advanced]", submit(command))
