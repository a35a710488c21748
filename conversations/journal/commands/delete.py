"""Commands: delete one message, for both people or for oneself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from accounts.session_validity import Credential
from conversations.delivery import to_users
from conversations.journal.commands.command import Outcome
from conversations.journal.commands.edit import Changed, changed, ensure_author
from conversations.journal.restore import Write
from conversations.journal.statements import ConversationRow, ParticipantRow, stored_drafts
from conversations.journal.unit_of_work import FileRemoval, UnitOfWork
from conversations.protocol import objects
from conversations.protocol.events import MessageHidden
from conversations.serializers import tombstone


@dataclass(frozen=True, slots=True)
class Hidden:
    """A message is deleted for this user."""

    room: str
    seq: int
    mark: int
    message: objects.Message


def leave_to_sweep(file_ids: Sequence[int]) -> None:
    """The sweep finds them, too, only later."""


@dataclass(frozen=True, slots=True)
class DeleteCommand:
    """Delete a message of one's own for both. The place and the numbers stay; the text and the references to
    files leave the database with this transaction, and `remove_files` adds the job for their bytes to it.

    `announce` is called after the commit, with the conversation and the user, if a draft with this text went.
    """

    room: str
    user_id: int
    sender: str
    seq: int
    remove_files: FileRemoval = leave_to_sweep
    credential: Credential | None = None
    announce: Callable[[int, int], object] | None = field(default=None, compare=False, repr=False)

    @property
    def id(self) -> tuple[str, str, int]:
        return "delete", self.room, self.seq

    def prepare(self, unit: UnitOfWork) -> None:
        unit.request_message(self.room, self.seq)
        conversation = unit.conversations.get(self.room)
        if conversation is not None:
            key = conversation.id, self.user_id
            me = unit.participant_rows.get(key)
            if me is not None and me.has_draft:
                unit.request(stored_drafts, key)

    def apply(self, unit: UnitOfWork) -> Outcome[Changed]:
        """Neither a block, nor a closed chat, nor the age of the message keeps a text from being removed."""
        conversation, me, _ = unit.participants(self.room, self.user_id)
        message = unit.message(conversation, self.seq)
        ensure_author(message, self.user_id)
        if message.deleted_at is not None:
            return Outcome(changed(unit, conversation, message, self.user_id))
        after_commit = self.clear_draft(unit, conversation, me, message.body)
        if message.attachments is not None:
            # Of a corrupt row, too, that no longer tells its files (docs/threats.md F30).
            unit.removed_attachments[message.conversation_id, message.seq] = self.remove_files
        message.blank()
        message.deleted_at = unit.mark_changed(conversation)
        unit.change_message(conversation, message, is_text_changed=True)
        write = Write(self.room, self.seq, message.client_id, message.version)
        return Outcome(changed(unit, conversation, message, self.user_id), write, after_commit)

    def clear_draft(
        self, unit: UnitOfWork, conversation: ConversationRow, me: ParticipantRow, text: str
    ) -> Callable[[], object] | None:
        """A draft that was saved beside the message it became is a copy of the text (docs/threats.md T63).
        Any other draft stays."""
        key = conversation.id, me.user_id
        draft = unit.results(stored_drafts).get(key) if me.draft is None else me.draft
        if not draft or draft != text:
            return None
        me.draft, me.has_draft = "", False
        me.mark += 1
        unit.mark_changed(conversation, me)
        return None if self.announce is None else partial(self.announce, *key)


@dataclass(frozen=True, slots=True)
class HideCommand:
    """Delete any message of a conversation for oneself. The other person notices nothing."""

    room: str
    user_id: int
    seq: int
    credential: Credential | None = None

    @property
    def id(self) -> tuple[str, str, int]:
        return "hide", self.room, self.seq

    def prepare(self, unit: UnitOfWork) -> None:
        unit.request_message(self.room, self.seq)

    def apply(self, unit: UnitOfWork) -> Outcome[Hidden]:
        """Takes a mark, not a number: it is nothing that both see. A repeat takes none."""
        conversation, me, _ = unit.participants(self.room, self.user_id)
        message = unit.message(conversation, self.seq)
        if self.user_id not in message.hidden_from:
            me.mark += 1
            unit.mark_changed(conversation, me)
            unit.hide_message(message, me)
            frame = MessageHidden(room=self.room, seq=self.seq, mark=me.mark)
            unit.pushes += to_users((self.user_id,), self.room, frame.encode(), mark=me.mark)
        wire = tombstone(message, sender=unit.sender_of(message))
        return Outcome(Hidden(self.room, self.seq, me.mark, wire))
