"""Services: send, edit and delete a message. The socket, the HTTP API and the plain forms all call them."""

from __future__ import annotations

from concurrent.futures import Future
from uuid import UUID

from accounts.models import User
from accounts.session_validity import Credential
from conversations.exceptions import AttachmentNotFound, InvalidText
from conversations.jobs.file_removal import files_remove_later
from conversations.journal import (
    Accepted,
    Changed,
    DeleteCommand,
    EditCommand,
    Hidden,
    HideCommand,
    SendCommand,
    submit,
)
from conversations.models import Conversation
from conversations.protocol.commands import canonical_uuid
from conversations.protocol.text import clean_body
from conversations.services.notifications import announce_meeting, push_conversation
from conversations.services.row_pushes import push_row_soon


def message_send(
    *,
    user: User,
    room: str,
    id: UUID,
    body: str,
    reply_to: int | None = None,
    attachments: tuple[str, ...] = (),
    forward: tuple[str, int] | None = None,
    credential: Credential | None = None,
) -> Future[Accepted]:
    """Write one message into a conversation of this user.

    Args:
        attachments: ids of complete uploads of this user, which the message takes; with them the body may be
            empty.
        forward: (room, seq) of a message that this user can see: its text and files are sent, and `body` must
            be empty.

    Raises at once: InvalidText, TextTooLong, AttachmentNotFound (no id at all), Busy (the queue is full). The
        future fails with ConversationNotFound, MessageNotFound (reply, forward), AttachmentNotFound,
        MessageConflict, CannotDeliver, or Unauthenticated (the credential has been revoked).
    Repeats: the same id with the same content gets the first answer again, marked duplicate.
    Announces after the commit: `message.created` to both people, the new row of the list to the person to
        whom the conversation first shows, and the sender's row to their own devices if a draft ended.
    """
    if forward is not None and body:
        raise InvalidText("a forwarded message has no text of its own")
    return submit(
        SendCommand(
            room=room,
            user_id=user.id,
            sender=user.public_id,
            id=id,
            body=clean_body(body, may_be_empty=forward is not None or bool(attachments)),
            reply_to=reply_to,
            attachments=tuple(map(upload_id, attachments)),
            forward=forward,
            credential=credential,
            announce=announce_message,
        )
    )


def upload_id(text: str) -> UUID:
    """Raises AttachmentNotFound: no upload can have such an id."""
    try:
        return canonical_uuid(text)
    except ValueError:
        raise AttachmentNotFound from None


def message_edit(
    *,
    user: User,
    room: str,
    seq: int,
    body: str,
    version: int | None = None,
    credential: Credential | None = None,
) -> Future[Changed]:
    """Change the text of a message that this user has written.

    Args:
        version: the state that the user has edited; a later one is a conflict.

    Raises at once: InvalidText, TextTooLong, Busy. The future fails with ConversationNotFound,
        MessageNotFound, NotAuthor, MessageGone, CannotDeliver, EditWindowClosed, VersionConflict, or
        Unauthenticated.
    Repeats: the text that the message has already changes nothing and takes no number.
    Announces after the commit: `message.changed` to both people.
    """
    return submit(
        EditCommand(
            room=room,
            user_id=user.id,
            sender=user.public_id,
            seq=seq,
            # The journal knows whether there are files, without which it may not be empty.
            body=clean_body(body, may_be_empty=True),
            version=version,
            credential=credential,
        )
    )


def message_delete(
    *, user: User, room: str, seq: int, credential: Credential | None = None
) -> Future[Changed]:
    """Delete a message that this user has written, for both people: its text leaves the database, and its
    files the storage, unless other messages have them too.

    The future fails with ConversationNotFound, MessageNotFound, NotAuthor, or Unauthenticated.
    Repeats: a deleted message stays as it is and takes no number.
    Announces after the commit: `message.changed` to both people, and the user's row to their own devices if
        their draft was this text.
    """
    return submit(
        DeleteCommand(
            room=room,
            user_id=user.id,
            sender=user.public_id,
            seq=seq,
            remove_files=files_remove_later,
            credential=credential,
            announce=push_row_soon,
        )
    )


def message_hide(*, user: User, room: str, seq: int, credential: Credential | None = None) -> Future[Hidden]:
    """Delete any message of a conversation for this user alone.

    The future fails with ConversationNotFound, MessageNotFound, or Unauthenticated.
    Repeats: harmless.
    Announces after the commit: `message.hidden` to the user's own devices.
    """
    return submit(HideCommand(room=room, user_id=user.id, seq=seq, credential=credential))


def announce_message(accepted: Accepted) -> None:
    """The first message makes the conversation appear in the peer's list; the first answer lets both see each
    other's presence; a draft that was sent leaves the sender's other devices.

    Runs after the commit, on the writer thread.
    """
    if accepted.cleared_draft is not None:
        push_row_soon(*accepted.cleared_draft)
    if accepted.revealed_to is None and not accepted.first_meeting:
        return
    conversation = Conversation.objects.get(room_name=accepted.room)
    if accepted.revealed_to is not None:
        push_conversation(conversation.pk, (accepted.revealed_to,))
    if accepted.first_meeting:
        announce_meeting(conversation.low_id, conversation.high_id)
