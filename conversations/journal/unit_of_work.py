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

from accounts.session_validity import Credential, revoked_sessions
from conversations.delivery import Push
from conversations.exceptions import ConversationNotFound
from conversations.journal import statements
from conversations.journal.statements import ConversationRow, ParticipantRow
from conversations.models import Message

K = TypeVar("K")
V = TypeVar("V")
Lookup = Callable[[Sequence[K]], dict[K, V]]
"""A set-based statement: from many keys to what the database has for them."""


@dataclass(slots=True)
class UnitOfWork:
    now: datetime
    conversations: dict[str, ConversationRow]
    participant_rows: dict[tuple[int, int], ParticipantRow]
    locked: Collection[str] = ()
    """Rooms whose row another transaction holds, and that this one did not wait for."""
    revoked: Collection[Credential] = ()
    requested: defaultdict[Lookup[Any, Any], list[Any]] = field(default_factory=lambda: defaultdict(list))
    found: defaultdict[Lookup[Any, Any], dict[Any, Any]] = field(default_factory=lambda: defaultdict(dict))
    messages: list[Message] = field(default_factory=list)
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

    def look_up(self, credentials: Collection[Credential]) -> None:
        """Run each requested lookup once, and find which credentials have been revoked."""
        for lookup, keys in self.requested.items():
            self.found[lookup] = lookup(keys)
        if credentials:
            self.revoked = revoked_sessions(credentials)

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
        """Write everything that the commands have changed: at most three statements."""
        if self.messages:
            statements.insert_messages(self.messages)
        if self.changed_conversations:
            statements.update_conversations(list(self.changed_conversations.values()))
        if self.changed_participants:
            statements.update_participants(list(self.changed_participants.values()))
