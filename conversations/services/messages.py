"""Sending a message. Every door knocks here: socket, HTTP API, plain form."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from accounts.models import User
from accounts.session_validity import Credential
from conversations.exceptions import AttachmentNotFound
from conversations.journal import Accepted, SendCommand, submit
from conversations.models import Conversation
from conversations.protocol.text import clean_body
from conversations.services.notifications import announce_meeting, tell_people

logger = logging.getLogger(__name__)


def message_send(
    *,
    user: User,
    room: str,
    id: UUID,
    body: str,
    reply_to: int | None = None,
    attachments: tuple[str, ...] = (),
    credential: Credential | None = None,
) -> Future[Accepted]:
    """Write one message into a conversation of this person.

    Raises at once: InvalidText, TextTooLong, AttachmentNotFound (nothing can be uploaded yet, so no id is known), Busy (the queue is
    full). The future fails with ConversationNotFound, MessageNotFound (reply), MessageConflict, CannotDeliver, or
    Unauthenticated (the credential is no longer good).
    Repeats: the same id with the same content gives the first answer again, marked duplicate.
    Announces after the commit: `message.created` to both people, and the new row of the list to whom the conversation first shows.
    """
    if attachments:
        raise AttachmentNotFound
    command = SendCommand(
        room=room,
        user_id=user.id,
        sender=user.public_id,
        id=id,
        body=clean_body(body),
        reply_to=reply_to,
        credential=credential,
    )
    future = cast("Future[Accepted]", submit(command))
    future.add_done_callback(reveal(room))
    return future


def reveal(room: str) -> Callable[[Future[Accepted]], None]:
    """The first message makes the conversation appear in the other one's list; the first answer lets both see each other."""

    def tell(future: Future[Accepted]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        revealed_to = future.result().revealed_to
        if revealed_to is not None:
            conversation_id = Conversation.objects.values_list("id", flat=True).get(room_name=room)
            tell_people(conversation_id, (revealed_to,))
        if future.result().first_meeting:
            low_id, high_id = Conversation.objects.values_list("low_id", "high_id").get(room_name=room)
            announce_meeting(low_id, high_id)

    return tell
