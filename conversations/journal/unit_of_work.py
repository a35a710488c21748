"""Unit of work: the locked rows of one transaction, what its commands look up, and what it will write.

It knows no command. A command names what it needs in `prepare`; each lookup then runs once for the whole
batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from accounts.session_validity import Credential, revoked_sessions
from conversations.delivery import Push, to_users
from conversations.exceptions import CannotDeliver, ConversationNotFound, MessageNotFound, TextTooLong
from conversations.journal import attachment_rows, message_rows, statements
from conversations.journal.message_rows import messages_at
from conversations.journal.statements import ConversationRow, ParticipantRow
from conversations.models import Attachment, Conversation, HiddenMessage, Message, StoredFile
from conversations.protocol import objects
from conversations.protocol.events import MessageChanged, MessageCreated
from conversations.protocol.sizes import json_size
from conversations.serializers import attachment as attachment_object
from conversations.serializers import message as message_object
from conversations.serializers import reply as reply_object
from conversations.serializers import tombstone

K = TypeVar("K")
V = TypeVar("V")
Lookup = Callable[[Sequence[K]], dict[K, V]]
"""A set-based statement: from many keys to what the database has for them."""
FileRemoval = Callable[[Sequence[int]], object]
"""Adds the job that removes stored files which nothing refers to, inside the transaction."""


@dataclass(slots=True)
class UnitOfWork:
    now: datetime
    conversations: dict[str, ConversationRow]
    participant_rows: dict[tuple[int, int], ParticipantRow]
    locked: Collection[str] = ()
    """Rooms whose row another transaction holds, and that this one did not wait for."""
    revoked: Collection[Credential] = ()
    quoted: list[tuple[int, int]] = field(default_factory=list)
    """Messages that new ones answer."""
    requested: defaultdict[Lookup[Any, Any], list[Any]] = field(default_factory=lambda: defaultdict(list))
    found: defaultdict[Lookup[Any, Any], dict[Any, Any]] = field(default_factory=lambda: defaultdict(dict))
    messages: list[Message] = field(default_factory=list)
    changed_messages: dict[tuple[int, int], Message] = field(default_factory=dict)
    hidden_messages: list[HiddenMessage] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    taken_uploads: list[UUID] = field(default_factory=list)
    removed_attachments: dict[tuple[int, int], FileRemoval] = field(default_factory=dict)
    """Messages whose references to files go, and what takes over the files."""
    removed_texts: dict[tuple[int, int], None] = field(default_factory=dict)
    """Messages whose text goes or changes with this transaction: copies of it go as well."""
    changed_conversations: dict[int, ConversationRow] = field(default_factory=dict)
    changed_participants: dict[tuple[int, int], ParticipantRow] = field(default_factory=dict)
    pushes: list[Push] = field(default_factory=list)

    @classmethod
    def load(cls, rooms: Iterable[str], *, skip_locked: bool = False) -> UnitOfWork:
        """Lock the conversations of these rooms, then read their participants.

        Args:
            skip_locked: do not wait for rows that another transaction holds; their rooms are `locked`.
        """
        wanted = set(rooms)
        conversations = statements.lock_conversations(wanted, skip_locked=skip_locked)
        missing = wanted - conversations.keys() if skip_locked else set()
        ids = [row.id for row in conversations.values()]
        participants = statements.participants_of(ids) if ids else {}
        # Read once, and only after the lock: two batches that wait for each other must not stamp in the wrong
        # order.
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return cls(now, conversations, participants, statements.existing_rooms(missing) if missing else ())

    def request(self, lookup: Lookup[K, V], key: K) -> None:
        """Ask for one key; called by `prepare` of a command."""
        self.requested[lookup].append(key)

    def request_message(self, room: str, seq: int) -> None:
        """Ask for a message that a command changes. A number beyond the head costs no lookup."""
        conversation = self.conversations.get(room)
        if conversation is not None and seq <= conversation.head_before:
            self.request(messages_at, (conversation.id, seq))

    def request_quoted(self, conversation: ConversationRow, seq: int) -> None:
        """Ask for a message that a new one answers."""
        self.quoted.append((conversation.id, seq))

    def look_up(self, credentials: Collection[Credential]) -> None:
        """Run each requested lookup once, and find which credentials have been revoked."""
        changing = self.requested.get(messages_at, [])
        if self.quoted:
            self.requested[messages_at] = [*changing, *self.quoted]
        for lookup, keys in self.requested.items():
            self.found[lookup] = lookup(keys)
        if changing:
            self.look_up_quotes(changing)
        self.hide_cleared()
        if credentials:
            self.revoked = revoked_sessions(credentials)

    def look_up_quotes(self, changing: Sequence[tuple[int, int]]) -> None:
        """What the messages that will change quote, for their pushes. One statement if any is a reply."""
        found = self.results(messages_at)
        rows = [found[key] for key in changing if key in found]
        keys = {(row.conversation_id, row.reply_to) for row in rows if row.reply_to is not None}
        if missing := keys - found.keys():
            found |= messages_at(list(missing))

    def hide_cleared(self) -> None:
        """What a user has cleared is hidden from them, like a message that they deleted for themselves."""
        for row in self.participant_rows.values():
            if row.cleared_seq:
                for (conversation_id, seq), message in self.results(messages_at).items():
                    if conversation_id == row.conversation_id and seq <= row.cleared_seq:
                        message.hidden_from |= {row.user_id}

    def results(self, lookup: Lookup[K, V]) -> dict[K, V]:
        """What a lookup has found, and what commands of this batch have added to it."""
        return self.found[lookup]

    def participants(self, room: str, user_id: int) -> tuple[ConversationRow, ParticipantRow, ParticipantRow]:
        """The conversation, me and my peer.

        Raises:
            ConversationNotFound: unknown, not mine, hidden from me, or my account is suspended. One answer
                for all, so that it never reveals that a conversation exists.
        """
        conversation = self.conversations.get(room)
        if conversation is None or user_id not in (conversation.low_id, conversation.high_id):
            raise ConversationNotFound
        peer_id = conversation.high_id if user_id == conversation.low_id else conversation.low_id
        me = self.participant_rows[conversation.id, user_id]
        if me.activity is None or not me.is_active:
            raise ConversationNotFound
        return conversation, me, self.participant_rows[conversation.id, peer_id]

    def message(self, conversation: ConversationRow, seq: int) -> Message:
        """One message of a conversation, as earlier commands of this batch have left it. Its key has been
        requested from `messages_at`.

        Raises:
            MessageNotFound: there is none with this number.
        """
        found = self.results(messages_at).get((conversation.id, seq))
        if found is None:
            raise MessageNotFound
        return found

    def change_message(
        self, conversation: ConversationRow, message: Message, *, is_text_changed: bool = False
    ) -> None:
        """Give a message, whose columns the caller has changed, the next number; write it at the end, and
        push its new state to both people.

        Args:
            is_text_changed: its text has gone or changed, so that copies of the former one must go, too.
        """
        self.mark_changed(conversation)
        conversation.head += 1
        message.version = conversation.head
        key = message.conversation_id, message.seq
        self.changed_messages[key] = message
        if is_text_changed:
            self.removed_texts[key] = None
        self.push_message(conversation, message, MessageChanged)

    def hide_message(self, message: Message, me: ParticipantRow) -> None:
        """Hide a message from one user, whose mark the caller has raised."""
        message.hidden_from |= {me.user_id}
        hidden = HiddenMessage(
            conversation_id=me.conversation_id, seq=message.seq, user_id=me.user_id, mark=me.mark
        )
        self.hidden_messages.append(hidden)

    def push_message(
        self,
        conversation: ConversationRow,
        message: Message,
        frame: type[MessageCreated] | type[MessageChanged],
    ) -> dict[int, objects.Message]:
        """Push a message to both people, as each sees it: it, or what it quotes, may be hidden from one.

        Returns: The wire object of each user.
        """
        quoted = self.quoted_by(conversation, message)
        variants: defaultdict[tuple[bool, bool], list[int]] = defaultdict(list)
        for user_id in (conversation.low_id, conversation.high_id):
            is_hidden = user_id in message.hidden_from, quoted is not None and user_id in quoted.hidden_from
            variants[is_hidden].append(user_id)
        wires: dict[int, objects.Message] = {}
        for users in variants.values():
            wire = self.as_seen_by(conversation, message, users[0])
            wires |= dict.fromkeys(users, wire)
            text = frame(room=conversation.room_name, message=wire).encode()
            self.pushes += to_users(users, conversation.room_name, text, head=message.version)
        return wires

    def as_seen_by(self, conversation: ConversationRow, message: Message, user_id: int) -> objects.Message:
        """A message as one of the two sees it now; empty to a user who deleted it for themselves."""
        sender = self.sender_of(message)
        quoted = self.quoted_by(conversation, message)
        message.reply = None
        if quoted is not None:
            author, is_hidden = self.sender_of(quoted), user_id in quoted.hidden_from
            message.reply = reply_object(quoted, seq=quoted.seq, sender=author, is_hidden=is_hidden)
        is_hidden = user_id in message.hidden_from
        return (tombstone if is_hidden else message_object)(message, sender=sender)

    def quoted_by(self, conversation: ConversationRow, message: Message) -> Message | None:
        """What a reply answers, as earlier commands of this batch have left it."""
        if message.reply_to is None:
            return None
        return self.results(messages_at).get((conversation.id, message.reply_to))

    def sender_of(self, message: Message) -> str:
        """The public id; empty where a corrupt row names a user who is none of the two (F30)."""
        found = self.participant_rows.get((message.conversation_id, message.sender_id))
        return "" if found is None else found.public_id

    def attach(self, message: Message, files: Sequence[tuple[UUID, StoredFile]]) -> None:
        """Give a new message these files, under these ids."""
        message.attachments = [attachment_object(id, file).model_dump() for id, file in files] or None
        self.attachments += [
            Attachment(
                id=id,
                stored_file_id=file.pk,
                conversation_id=message.conversation_id,
                seq=message.seq,
                position=position,
                kind=file.kind,
            )
            for position, (id, file) in enumerate(files)
        ]

    def mark_changed(self, conversation: ConversationRow, *participants: ParticipantRow) -> datetime:
        """Write these rows at the end. Returns the time of the change, which never goes back within a
        conversation."""
        earliest = (
            conversation.changed_at
            if conversation.id in self.changed_conversations
            else conversation.changed_at + timedelta(milliseconds=1)
        )
        conversation.changed_at = max(self.now, earliest)
        self.changed_conversations[conversation.id] = conversation
        for participant in participants:
            self.changed_participants[participant.conversation_id, participant.user_id] = participant
        return conversation.changed_at

    def flush(self) -> None:
        """Write everything that the commands have changed: one statement a table, and those of
        `text_removals`."""
        if self.messages:
            statements.insert_messages(self.messages)
        if self.changed_messages:
            message_rows.update_messages(list(self.changed_messages.values()))
        if self.hidden_messages:
            message_rows.insert_hidden_messages(self.hidden_messages)
        self.flush_attachments()
        if self.removed_texts:
            for remove in message_rows.text_removals:
                remove(list(self.removed_texts))
        if self.changed_conversations:
            statements.update_conversations(list(self.changed_conversations.values()))
        if self.changed_participants:
            statements.update_participants(list(self.changed_participants.values()))

    def flush_attachments(self) -> None:
        if self.attachments:
            attachment_rows.insert_attachments(self.attachments)
        if self.taken_uploads:
            attachment_rows.delete_uploads(self.taken_uploads)
        if self.removed_attachments:
            files = attachment_rows.delete_attachments(list(self.removed_attachments))
            # All commands pass the same task.
            next(iter(self.removed_attachments.values()))(files)


def ensure_deliverable(conversation: ConversationRow, peer: ParticipantRow) -> None:
    """Blocked by either, closed by either, the peer's account closed: one answer for all (T14).

    Raises:
        CannotDeliver
    """
    if conversation.is_blocked or not peer.is_active or conversation.state == Conversation.State.CLOSED:
        raise CannotDeliver


CONTENT_BYTES = 60_000
"""Of a text and its files together in JSON: with what is around them a frame stays below 64 KiB. Only a text
of thousands of escaped characters beside ten files is longer."""


def ensure_fits(body: str, attachments: Any) -> None:
    """Raises TextTooLong."""
    if json_size(body) + json_size(attachments) > CONTENT_BYTES:
        raise TextTooLong("text and files do not fit one frame")
