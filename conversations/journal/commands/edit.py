"""Command: change the text of one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.session_validity import Credential
from accounts.texts import is_blank
from conversations.exceptions import EditWindowClosed, InvalidText, MessageGone, NotAuthor, VersionConflict
from conversations.journal.commands.command import Outcome
from conversations.journal.restore import Write
from conversations.journal.statements import ConversationRow
from conversations.journal.unit_of_work import UnitOfWork, ensure_deliverable, ensure_fits
from conversations.models import Message
from conversations.protocol import objects


@dataclass(frozen=True, slots=True)
class Changed:
    """A message is as the command wants it, whether by this command or before."""

    room: str
    seq: int
    version: int
    message: objects.Message
    """The wire object, so that the caller need not query it."""


@dataclass(frozen=True, slots=True)
class EditCommand:
    """`sender` is the public id of the author, `body` is cleaned already. `version`, if given, is the state
    that the author has edited."""

    room: str
    user_id: int
    sender: str
    seq: int
    body: str
    version: int | None = None
    credential: Credential | None = None

    @property
    def id(self) -> tuple[str, str, int]:
        return "edit", self.room, self.seq

    def prepare(self, unit: UnitOfWork) -> None:
        unit.request_message(self.room, self.seq)

    def apply(self, unit: UnitOfWork) -> Outcome[Changed]:
        """Order: participant, message, author, deleted, repeat, block and state, age, version.

        A repeat is judged before block, age and version: the answer to the first one may have been lost.
        """
        conversation, _, peer = unit.participants(self.room, self.user_id)
        message = unit.message(conversation, self.seq)
        ensure_author(message, self.user_id)
        if message.kind != Message.Kind.TEXT:
            # Of a newer version, which wrote something else there.
            raise NotAuthor
        if message.deleted_at is not None or self.user_id in message.hidden_from:
            raise MessageGone
        if is_blank(self.body) and not message.attachments:
            raise InvalidText("nothing to send")
        if message.body == self.body:
            return Outcome(changed(unit, conversation, message, self.user_id))
        ensure_deliverable(conversation, peer)
        if not is_recent(message, unit.now):
            raise EditWindowClosed
        if self.version is not None and message.version > self.version:
            raise VersionConflict
        if message.attachments:
            ensure_fits(self.body, message.attachments)
        message.edited_at = unit.mark_changed(conversation)
        message.body = self.body
        unit.change_message(conversation, message, is_text_changed=True)
        write = Write(self.room, self.seq, message.client_id, message.version)
        return Outcome(changed(unit, conversation, message, self.user_id), write)


def changed(unit: UnitOfWork, conversation: ConversationRow, message: Message, user_id: int) -> Changed:
    """The result for this user."""
    wire = unit.as_seen_by(conversation, message, user_id)
    return Changed(conversation.room_name, message.seq, message.version, wire)


def ensure_author(message: Message, user_id: int) -> None:
    """Only who has written a message may change it for both. A system message has no author.

    Raises:
        NotAuthor
    """
    if message.sender_id != user_id or message.kind == Message.Kind.SYSTEM:
        raise NotAuthor


def is_recent(message: Message, now: datetime) -> bool:
    """A corrupt row may have no time (docs/threats.md F30); it can be deleted, not edited."""
    sent_at: datetime | None = message.created_at
    return sent_at is not None and now - sent_at <= timedelta(seconds=settings.EDIT_WINDOW_S)
