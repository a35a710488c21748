"""Command: send one message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

from accounts.session_validity import Credential
from conversations.exceptions import AttachmentNotFound, CannotDeliver, MessageConflict, MessageNotFound
from conversations.journal.attachment_rows import ready_uploads
from conversations.journal.commands.command import Outcome
from conversations.journal.fingerprint import fingerprints
from conversations.journal.message_rows import forward_sources, messages_at
from conversations.journal.restore import Write
from conversations.journal.statements import (
    ConversationRow,
    ParticipantRow,
    StoredMessage,
    messages_by_client_id,
)
from conversations.journal.unit_of_work import UnitOfWork, ensure_deliverable, ensure_fits
from conversations.models import Conversation, Message, StoredFile
from conversations.models.message_text import text_of
from conversations.protocol import objects
from conversations.protocol.events import MessageCreated
from conversations.serializers import attachment as attachment_object

Files = list[tuple[UUID, StoredFile]]
"""The files of a new message, each under the id of its attachment."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message is stored."""

    room: str
    id: UUID
    seq: int
    version: int
    created_at: datetime
    duplicate: bool
    revealed_to: int | None = None
    """The person in whose list the conversation appears with this message."""
    message: objects.Message | None = None
    """The wire object, so that the caller need not query it. None for a repeat of a message that has changed
    since."""
    first_meeting: bool = False
    """With this message both have written."""
    cleared_draft: tuple[int, int] | None = None
    """(conversation, user) of the draft that this message has ended."""


@dataclass(frozen=True, slots=True)
class SendCommand:
    """`sender` is the public id; `body` is cleaned already. `attachments` are ids of uploads. With `forward`,
    (room, seq), the text and the files of that message are sent, and `body` is empty.

    `announce` is called after the commit when the message reveals the conversation to the peer, is the first
    answer, or ends a draft.
    """

    room: str
    user_id: int
    sender: str
    id: UUID
    body: str
    reply_to: int | None = None
    attachments: tuple[UUID, ...] = ()
    forward: tuple[str, int] | None = None
    credential: Credential | None = None
    announce: Callable[[Accepted], object] | None = field(default=None, compare=False, repr=False)

    def prepare(self, unit: UnitOfWork) -> None:
        conversation = unit.conversations.get(self.room)
        if conversation is None:
            return
        unit.request(messages_by_client_id, (conversation.id, self.id))
        if self.reply_to is not None:
            unit.request_quoted(conversation, self.reply_to)
        for id in self.attachments:
            unit.request(ready_uploads, (self.user_id, id))
        if self.forward is not None:
            unit.request(forward_sources, (self.user_id, *self.forward))

    def apply(self, unit: UnitOfWork) -> Outcome[Accepted]:
        """Order of the protocol: participant, repeat, block and state."""
        conversation, me, peer = unit.participants(self.room, self.user_id)
        prints = fingerprints(self.body, self.reply_to, tuple(map(str, self.attachments)), self.forward)
        earlier = unit.results(messages_by_client_id).get((conversation.id, self.id))
        if earlier is not None:
            return Outcome(self.repeat(unit, conversation, earlier, prints))
        ensure_deliverable(conversation, peer)
        if self.reply_to is not None:
            unit.message(conversation, self.reply_to)
        if self.forward is None:
            body, files = self.body, self.uploaded(unit)
        else:
            body, files = self.forwarded(unit, self.forward)
        if files and conversation.state == Conversation.State.REQUEST:
            # A stranger's first messages are text only (T38).
            raise CannotDeliver
        if files:
            ensure_fits(body, [attachment_object(id, file).model_dump() for id, file in files])
        return self.store(unit, conversation, me, peer, prints[0], body, files)

    def uploaded(self, unit: UnitOfWork) -> Files:
        """Raises AttachmentNotFound: foreign, incomplete, unknown, or used already, if only by an earlier
        command of this batch (T44)."""
        ready = unit.results(ready_uploads)
        if len(set(self.attachments)) != len(self.attachments):
            raise AttachmentNotFound
        try:
            return [(id, ready[self.user_id, id]) for id in self.attachments]
        except KeyError:
            raise AttachmentNotFound from None

    def forwarded(self, unit: UnitOfWork, forward: tuple[str, int]) -> tuple[str, Files]:
        """The text and the files to copy, without a trail of where they are from.

        Raises:
            MessageNotFound: deleted, hidden, foreign, missing, or nothing to read; the answer does not tell
                which.
        """
        source = unit.results(forward_sources).get((self.user_id, *forward))
        if source is None:
            raise MessageNotFound
        # An earlier command of this batch may have edited, deleted or hidden it.
        latest = unit.results(messages_at).get((source.conversation_id, source.seq), source)
        text = text_of(latest)
        files = source.files if latest.attachments else []
        if (text is None and not files) or self.user_id in latest.hidden_from:
            raise MessageNotFound
        return text or "", [(uuid4(), file) for file in files]

    def repeat(
        self,
        unit: UnitOfWork,
        conversation: ConversationRow,
        earlier: StoredMessage,
        prints: list[bytes],
    ) -> Accepted:
        """Raises MessageConflict: another sender, or other content under the same id."""
        has_same_content = earlier.fingerprint is None or earlier.fingerprint in prints
        if earlier.sender_id != self.user_id or not has_same_content:
            raise MessageConflict
        wire = None
        if earlier.version == earlier.seq and self.forward is None and not self.attachments:
            # Never changed since, so the stored message is the one that was sent again now.
            row = self.message(
                conversation,
                earlier.seq,
                earlier.ordinal,
                earlier.fingerprint,
                earlier.created_at,
                self.body,
            )
            wire = unit.as_seen_by(conversation, row, self.user_id)
        return Accepted(
            self.room,
            self.id,
            earlier.seq,
            earlier.version,
            earlier.created_at,
            duplicate=True,
            message=wire,
        )

    def message(
        self,
        conversation: ConversationRow,
        seq: int,
        ordinal: int | None,
        fingerprint: bytes | None,
        created_at: datetime,
        body: str,
    ) -> Message:
        return Message(
            conversation_id=conversation.id,
            seq=seq,
            version=seq,
            client_id=self.id,
            fingerprint=fingerprint,
            sender_id=self.user_id,
            ordinal=ordinal,
            kind=Message.Kind.TEXT.value,
            body=body,
            reply_to=self.reply_to,
            created_at=created_at,
        )

    def store(
        self,
        unit: UnitOfWork,
        conversation: ConversationRow,
        me: ParticipantRow,
        peer: ParticipantRow,
        fingerprint: bytes,
        body: str,
        files: Files,
    ) -> Outcome[Accepted]:
        revealed_to = peer.user_id if peer.activity is None else None
        created_at = unit.mark_changed(conversation, me, peer)
        conversation.head += 1
        peer.received += 1
        first_meeting = peer.received == 1 and me.received > 0 and not conversation.is_met
        me.activity = peer.activity = created_at
        cleared_draft = self.clear_draft(conversation, me)
        message = self.message(conversation, conversation.head, peer.received, fingerprint, created_at, body)
        if files:
            unit.attach(message, files)
            self.take_uploads(unit)
        self.record(unit, conversation, message, fingerprint)
        wire = unit.push_message(conversation, message, MessageCreated)[self.user_id]
        accepted = Accepted(
            self.room,
            self.id,
            message.seq,
            message.version,
            created_at,
            duplicate=False,
            revealed_to=revealed_to,
            message=wire,
            first_meeting=first_meeting,
            cleared_draft=cleared_draft,
        )
        is_news = revealed_to is not None or first_meeting or cleared_draft is not None
        after_commit = partial(self.announce, accepted) if is_news and self.announce is not None else None
        return Outcome(accepted, Write(self.room, message.seq, self.id), after_commit)

    def clear_draft(self, conversation: ConversationRow, me: ParticipantRow) -> tuple[int, int] | None:
        """The draft became this message, unless that was forwarded and never typed here. Costs no statement:
        the row of the sender is written anyway."""
        if not me.has_draft or self.forward is not None:
            return None
        me.draft, me.has_draft = "", False
        me.mark += 1
        return conversation.id, me.user_id

    def take_uploads(self, unit: UnitOfWork) -> None:
        """From here on they belong to the message."""
        for id in self.attachments:
            del unit.results(ready_uploads)[self.user_id, id]
            unit.taken_uploads.append(id)

    def record(
        self, unit: UnitOfWork, conversation: ConversationRow, message: Message, fingerprint: bytes
    ) -> None:
        """The row, and what later commands of this batch must find."""
        unit.messages.append(message)
        unit.results(messages_by_client_id)[conversation.id, self.id] = StoredMessage(
            message.seq,
            message.version,
            self.user_id,
            fingerprint,
            message.created_at,
            message.ordinal,
        )
        unit.results(messages_at)[conversation.id, message.seq] = message
