"""Command: change the text of one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.session_validity import Credential
from conversations.exceptions import EditWindowClosed, MessageGone, NotAuthor, VersionConflict
from conversations.journal.commands.command import Outcome
from conversations.journal.message_rows import messages_at
from conversations.journal.restore import Write
from conversations.journal.statements import ConversationRow
from conversations.journal.unit_of_work import UnitOfWork, ensure_deliverable
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
        conversation = unit.conversations.get(self.room)
        if conversation is not None and self.seq <= conversation.head_before:
            unit.request(messages_at, (conversation.id, self.seq))

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
        if message.body == self.body:
            return Outcome(self.changed(unit, conversation, message))
        ensure_deliverable(conversation, peer)
        if not is_recent(message, unit.now):
            raise EditWindowClosed
        if self.version is not None and message.version > self.version:
            raise VersionConflict
        message.edited_at = unit.mark_changed(conversation)
        message.body = self.body
        unit.change_message(conversation, message, is_text_changed=True)
        write = Write(self.room, self.seq, message.client_id, message.version)
        return Outcome(self.changed(unit, conversation, message), write)

    def changed(self, unit: UnitOfWork, conversation: ConversationRow, message: Message) -> Changed:
        wire = unit.as_seen_by(conversation, message, self.user_id)
        return Changed(self.room, self.seq, message.version, wire)


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
