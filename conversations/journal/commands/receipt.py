"""Command: move a user's delivered and read positions forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from accounts.session_validity import Credential
from conversations.delivery import to_users
from conversations.journal.commands.command import Outcome
from conversations.journal.statements import ConversationRow, ParticipantRow, ordinals_at
from conversations.journal.unit_of_work import UnitOfWork
from conversations.models import Conversation
from conversations.protocol.events import ReceiptAdvanced


@dataclass(frozen=True, slots=True)
class Advanced:
    """My positions after a receipt."""

    room: str
    delivered: int
    read: int
    read_count: int
    mark: int


@dataclass(frozen=True, slots=True)
class ReceiptCommand:
    """How far this user has read. Either position may be left out; positions are absolute, clamped to the
    head, and only grow."""

    room: str
    user_id: int
    reader: str
    delivered: int | None = None
    read: int | None = None
    credential: Credential | None = None
    id: ClassVar[None] = None

    def prepare(self, unit: UnitOfWork) -> None:
        """Only a position below the head needs a lookup: at the head, the counters of the locked rows are the
        answer."""
        conversation = unit.conversations.get(self.room)
        if conversation is not None and self.read is not None and self.read < conversation.head_before:
            unit.request(ordinals_at, (conversation.id, self.user_id, self.read))

    def apply(self, unit: UnitOfWork) -> Outcome[Advanced]:
        """Positions only grow (P6)."""
        conversation, me, peer = unit.participants(self.room, self.user_id)
        read = max(me.read_seq, min(self.read or 0, conversation.head))
        delivered = max(me.delivered_seq, min(self.delivered or 0, conversation.head), read)
        read_count = (
            max(me.read_count, min(self.count_up_to(unit, conversation, me, read), me.received))
            if self.read
            else me.read_count
        )
        if (read, delivered, read_count) != (me.read_seq, me.delivered_seq, me.read_count):
            me.read_seq, me.delivered_seq, me.read_count = read, delivered, read_count
            me.mark += 1
            unit.mark_changed(conversation, me)
            self.push(unit, conversation, me, me)
            self.show_to_peer(unit, conversation, me, peer)
        return Outcome(Advanced(self.room, me.delivered_seq, me.read_seq, me.read_count, me.mark))

    def count_up_to(
        self, unit: UnitOfWork, conversation: ConversationRow, me: ParticipantRow, seq: int
    ) -> int:
        """The number of messages to me at or below `seq`, those of this batch included (P7)."""
        if seq >= conversation.head:
            return me.received
        if seq <= me.read_seq:
            return me.read_count
        if seq < conversation.head_before:
            key = conversation.id, me.user_id, seq
            ordinals = unit.results(ordinals_at)
            if key not in ordinals:
                # A missing answer is never taken for zero.
                ordinals |= ordinals_at([key])
            return ordinals[key]
        # Between the head before this batch and the head now: the ordinal of the last message to me in the
        # batch up to there.
        for message in reversed(unit.messages):
            if (
                message.conversation_id == conversation.id
                and message.seq <= seq
                and message.sender_id != me.user_id
            ):
                return message.ordinal or 0
        return me.received_before

    def show_to_peer(
        self, unit: UnitOfWork, conversation: ConversationRow, me: ParticipantRow, peer: ParticipantRow
    ) -> None:
        """The peer sees my positions only while the conversation is open, neither blocks, both want it (by
        writing, opening or an invite: an unanswered message must not tell a stranger when it is read) and
        both share receipts."""
        has_met = conversation.is_met or (me.received > 0 and peer.received > 0)
        is_open = conversation.state == Conversation.State.OPEN and not conversation.is_blocked
        is_shown = has_met and is_open and me.shares_receipts and peer.shares_receipts
        if not is_shown or (me.shown_read, me.shown_delivered) == (me.read_seq, me.delivered_seq):
            return
        me.shown_read, me.shown_delivered = me.read_seq, me.delivered_seq
        peer.mark += 1
        unit.mark_changed(conversation, peer)
        self.push(unit, conversation, me, peer)

    def push(
        self, unit: UnitOfWork, conversation: ConversationRow, me: ParticipantRow, receiver: ParticipantRow
    ) -> None:
        is_mine = receiver is me
        frame = ReceiptAdvanced(
            room=conversation.room_name,
            user=self.reader,
            delivered=me.delivered_seq if is_mine else me.shown_delivered,
            read=me.read_seq if is_mine else me.shown_read,
            read_count=me.read_count if is_mine else None,
            mark=receiver.mark,
        )
        unit.pushes += to_users(
            (receiver.user_id,), conversation.room_name, frame.encode(), mark=receiver.mark
        )
