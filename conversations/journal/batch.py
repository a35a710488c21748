"""One transaction for many commands: lock, look up repeats, judge and number in Python, write, commit.

Everything is judged on the locked rows: what was judged before the queue would race. The order is the contract's: participant, repeat,
block and state.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import Error, transaction

from accounts.session_validity import Credential, revoked_sessions
from conversations.db.errors import current_connection, is_connection_dead
from conversations.delivery import Push, to_users
from conversations.exceptions import (
    CannotDeliver,
    ConversationNotFound,
    LockedRoom,
    MessageConflict,
    MessageNotFound,
    Refusal,
    Unauthenticated,
)
from conversations.journal import statements
from conversations.journal.commands import Accepted, Advanced, Command, ReceiptCommand, Result, SendCommand
from conversations.journal.fingerprint import fingerprints
from conversations.journal.statements import ConversationRow, ParticipantRow, StoredMessage
from conversations.models import Conversation, Message
from conversations.protocol.events import MessageCreated, ReceiptAdvanced
from conversations.serializers import message as message_object

Outcome = Result | Refusal
LOCKED_RETRY_MS = 1_000


@dataclass(slots=True)
class UnitOfWork:
    """What one transaction has before it: the locked rows, and what it will write."""

    now: datetime
    conversations: dict[str, ConversationRow]
    participant_rows: dict[tuple[int, int], ParticipantRow]
    repeats: dict[tuple[int, UUID], StoredMessage] = field(default_factory=dict)
    replies: set[tuple[int, int]] = field(default_factory=set)
    ordinals: dict[tuple[int, int, int], int] = field(default_factory=dict)
    revoked_sessions: Collection[Credential] = ()
    locked: Collection[str] = ()
    """Rooms that another transaction holds and that were not waited for."""
    messages: list[Message] = field(default_factory=list)
    changed: dict[int, ConversationRow] = field(default_factory=dict)
    moved: dict[tuple[int, int], ParticipantRow] = field(default_factory=dict)
    letters: list[Push] = field(default_factory=list)

    def participants(self, room: str, user_id: int) -> tuple[ConversationRow, ParticipantRow, ParticipantRow]:
        """The conversation, me and my peer.

        Raises:
            ConversationNotFound: unknown, not mine, hidden from me, or my account is suspended. One answer for all: nobody may learn
                from it that a conversation exists.
        """
        conversation = self.conversations.get(room)
        if conversation is None or user_id not in (conversation.low_id, conversation.high_id):
            raise ConversationNotFound
        peer_id = conversation.high_id if user_id == conversation.low_id else conversation.low_id
        me = self.participant_rows[conversation.id, user_id]
        if me.activity is None or not me.is_active:
            raise ConversationNotFound
        return conversation, me, self.participant_rows[conversation.id, peer_id]

    def mark_changed(self, conversation: ConversationRow, *participants: ParticipantRow) -> datetime:
        """Note that these rows are to be written. Returns the moment, which never goes back within a conversation."""
        earliest = (
            conversation.changed_at
            if conversation.id in self.changed
            else conversation.changed_at + timedelta(milliseconds=1)
        )
        conversation.changed_at = max(self.now, earliest)
        self.changed[conversation.id] = conversation
        for participant in participants:
            self.moved[participant.conversation_id, participant.user_id] = participant
        return conversation.changed_at


class InDoubt(Exception):
    """All of the batch is stored, or nothing: nobody knows."""


def write(commands: Sequence[Command], *, skip_locked: bool = False) -> tuple[list[Outcome], list[Push]]:
    """Write all commands in one transaction.

    Args:
        skip_locked: do not wait for conversations that another transaction holds; their commands end with LockedRoom.

    Returns:
        An outcome for each command, in their order, and the letters to publish now that the commit has happened.

    Raises:
        django.db.Error: nothing of the batch was stored.
        InDoubt: the connection ended while the database was asked to commit.
    """
    committing: Any = None
    try:
        with transaction.atomic():
            unit = load(commands, skip_locked=skip_locked)
            outcomes = [attempt(unit, command) for command in commands]
            flush(unit)
            committing = current_connection()
    except Error:
        if is_connection_dead(committing):
            raise InDoubt from None
        raise
    return outcomes, unit.letters


def load(commands: Sequence[Command], *, skip_locked: bool = False) -> UnitOfWork:
    conversations = statements.lock_conversations(
        (command.room for command in commands), skip_locked=skip_locked
    )
    missing = {command.room for command in commands} - conversations.keys() if skip_locked else set()
    participants = (
        statements.participants_of([row.id for row in conversations.values()]) if conversations else {}
    )
    # Read once, and only after the lock: two batches that wait for each other must not stamp in the wrong order.
    now = datetime.now(UTC)
    unit = UnitOfWork(now.replace(microsecond=now.microsecond // 1000 * 1000), conversations, participants)
    if missing:
        unit.locked = statements.existing_rooms(missing)
    sends = [
        command for command in commands if isinstance(command, SendCommand) and command.room in conversations
    ]
    if sends:
        unit.repeats.update(
            statements.messages_by_client_id([(conversations[send.room].id, send.id) for send in sends])
        )
    replies = [(conversations[send.room].id, send.reply_to) for send in sends if send.reply_to is not None]
    if replies:
        unit.replies = statements.existing_seqs(replies)
    reads = [
        key
        for command in commands
        if isinstance(command, ReceiptCommand) and (key := reading_key(unit, command))
    ]
    if reads:
        unit.ordinals = statements.ordinals_at(reads)
    credentials = {command.credential for command in commands if command.credential is not None}
    if credentials:
        unit.revoked_sessions = revoked_sessions(credentials)
    return unit


def reading_key(unit: UnitOfWork, command: ReceiptCommand) -> tuple[int, int, int] | None:
    """What must be looked up: only a position below the head. At the head, the counters of the locked rows say it already."""
    conversation = unit.conversations.get(command.room)
    if conversation is None or command.read is None or command.read >= conversation.head_before:
        return None
    return conversation.id, command.user_id, command.read


def attempt(unit: UnitOfWork, command: Command) -> Outcome:
    """One refused command never fails its neighbours: it is judged before it changes anything."""
    try:
        # Whoever was signed out while this command was on its way (P9).
        if command.credential in unit.revoked_sessions:
            raise Unauthenticated
        if command.room in unit.locked:
            raise LockedRoom(retry_after_ms=LOCKED_RETRY_MS)
        return accept(unit, command) if isinstance(command, SendCommand) else advance(unit, command)
    except Refusal as refusal:
        return refusal


def accept(unit: UnitOfWork, send: SendCommand) -> Accepted:
    conversation, me, peer = unit.participants(send.room, send.user_id)
    prints = fingerprints(send.body, send.reply_to, send.attachments)
    earlier = unit.repeats.get((conversation.id, send.id))
    if earlier is not None:
        return repeat(conversation, send, earlier, prints)
    if conversation.is_blocked or not peer.is_active or conversation.state == Conversation.State.CLOSED:
        raise CannotDeliver
    if send.reply_to is not None and (conversation.id, send.reply_to) not in unit.replies:
        raise MessageNotFound
    return store(unit, send, conversation, me, peer, prints[0])


def repeat(
    conversation: ConversationRow, send: SendCommand, earlier: StoredMessage, prints: list[bytes]
) -> Accepted:
    if earlier.sender_id != send.user_id or (
        earlier.fingerprint is not None and earlier.fingerprint not in prints
    ):
        raise MessageConflict
    wire = None
    if earlier.version == earlier.seq:
        # Never changed since, so it is what was sent again now.
        row = new_message(
            conversation, send, earlier.seq, earlier.ordinal, earlier.fingerprint, earlier.created_at
        )
        wire = message_object(row, sender=send.sender)
    return Accepted(
        send.room, send.id, earlier.seq, earlier.version, earlier.created_at, duplicate=True, message=wire
    )


def new_message(
    conversation: ConversationRow,
    send: SendCommand,
    seq: int,
    ordinal: int | None,
    fingerprint: bytes | None,
    created_at: datetime,
) -> Message:
    return Message(
        conversation_id=conversation.id,
        seq=seq,
        version=seq,
        client_id=send.id,
        fingerprint=fingerprint,
        sender_id=send.user_id,
        ordinal=ordinal,
        kind=Message.Kind.TEXT.value,
        body=send.body,
        reply_to=send.reply_to,
        created_at=created_at,
    )


def store(
    unit: UnitOfWork,
    send: SendCommand,
    conversation: ConversationRow,
    me: ParticipantRow,
    peer: ParticipantRow,
    fingerprint: bytes,
) -> Accepted:
    revealed_to = peer.user_id if peer.activity is None else None
    created_at = unit.mark_changed(conversation, me, peer)
    conversation.head += 1
    peer.received += 1
    first_meeting = peer.received == 1 and me.received > 0 and not conversation.is_met
    me.activity = peer.activity = created_at
    message = new_message(conversation, send, conversation.head, peer.received, fingerprint, created_at)
    unit.messages.append(message)
    unit.repeats[conversation.id, send.id] = StoredMessage(
        message.seq, message.version, send.user_id, fingerprint, created_at, message.ordinal
    )
    unit.replies.add((conversation.id, message.seq))
    wire = message_object(message, sender=send.sender)
    frame = MessageCreated(room=send.room, message=wire).encode()
    unit.letters += to_users(
        (conversation.low_id, conversation.high_id), send.room, frame, head=message.version
    )
    return Accepted(
        send.room,
        send.id,
        message.seq,
        message.version,
        created_at,
        duplicate=False,
        revealed_to=revealed_to,
        message=wire,
        first_meeting=first_meeting,
    )


def advance(unit: UnitOfWork, command: ReceiptCommand) -> Advanced:
    """Positions only grow (P6). The peer is shown them only while the conversation is open, nobody blocks, both want it (by writing, opening
    or an invite: an unanswered message must not tell a stranger when it is read) and both share receipts."""
    conversation, me, peer = unit.participants(command.room, command.user_id)
    read = max(me.read_seq, min(command.read or 0, conversation.head))
    delivered = max(me.delivered_seq, min(command.delivered or 0, conversation.head), read)
    read_count = (
        max(me.read_count, min(count_up_to(unit, conversation, me, read), me.received))
        if command.read
        else me.read_count
    )
    if (read, delivered, read_count) != (me.read_seq, me.delivered_seq, me.read_count):
        me.read_seq, me.delivered_seq, me.read_count = read, delivered, read_count
        me.mark += 1
        unit.mark_changed(conversation, me)
        tell(unit, conversation, me, me, command.reader)
        show(unit, conversation, me, peer, command.reader)
    return Advanced(command.room, me.delivered_seq, me.read_seq, me.read_count, me.mark)


def count_up_to(unit: UnitOfWork, conversation: ConversationRow, me: ParticipantRow, seq: int) -> int:
    """How many messages to me stand at or below `seq`, those of this batch included (P7). No answer is never taken for none."""
    if seq >= conversation.head:
        return me.received
    if seq <= me.read_seq:
        return me.read_count
    if seq < conversation.head_before:
        key = conversation.id, me.user_id, seq
        if key not in unit.ordinals:
            unit.ordinals |= statements.ordinals_at([key])
        return unit.ordinals[key]
    # Between the head before this batch and the head of this moment: the last message to me in the batch, up to there.
    for message in reversed(unit.messages):
        if (
            message.conversation_id == conversation.id
            and message.seq <= seq
            and message.sender_id != me.user_id
        ):
            return message.ordinal or 0
    return me.received_before


def show(
    unit: UnitOfWork, conversation: ConversationRow, me: ParticipantRow, peer: ParticipantRow, reader: str
) -> None:
    has_met = conversation.is_met or (me.received > 0 and peer.received > 0)
    is_open = conversation.state == Conversation.State.OPEN and not conversation.is_blocked
    is_shown = has_met and is_open and me.shares_receipts and peer.shares_receipts
    if not is_shown or (me.shown_read, me.shown_delivered) == (me.read_seq, me.delivered_seq):
        return
    me.shown_read, me.shown_delivered = me.read_seq, me.delivered_seq
    peer.mark += 1
    unit.mark_changed(conversation, peer)
    tell(unit, conversation, me, peer, reader)


def tell(
    unit: UnitOfWork, conversation: ConversationRow, me: ParticipantRow, receiver: ParticipantRow, reader: str
) -> None:
    is_mine = receiver is me
    frame = ReceiptAdvanced(
        room=conversation.room_name,
        user=reader,
        delivered=me.delivered_seq if is_mine else me.shown_delivered,
        read=me.read_seq if is_mine else me.shown_read,
        read_count=me.read_count if is_mine else None,
        mark=receiver.mark,
    )
    unit.letters += to_users((receiver.user_id,), conversation.room_name, frame.encode(), mark=receiver.mark)


def flush(unit: UnitOfWork) -> None:
    if unit.messages:
        statements.insert_messages(unit.messages)
    if unit.changed:
        statements.update_conversations(list(unit.changed.values()))
    if unit.moved:
        statements.update_participants(list(unit.moved.values()))
