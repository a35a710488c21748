"""Command: set or remove one user's reaction to a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.session_validity import Credential
from conversations.exceptions import MessageGone
from conversations.journal.commands.command import Outcome
from conversations.journal.commands.edit import Changed, changed
from conversations.journal.restore import Write
from conversations.journal.unit_of_work import UnitOfWork, ensure_deliverable
from conversations.models import Message
from conversations.protocol.objects import Reaction


@dataclass(frozen=True, slots=True)
class ReactionCommand:
    """`emoji` is checked already; `sender` is the public id of who reacts."""

    room: str
    user_id: int
    sender: str
    seq: int
    emoji: str
    on: bool
    credential: Credential | None = None

    @property
    def id(self) -> tuple[str, str, int]:
        return f"reaction of {self.user_id}", self.room, self.seq

    def prepare(self, unit: UnitOfWork) -> None:
        unit.request_message(self.room, self.seq)

    def apply(self, unit: UnitOfWork) -> Outcome[Changed]:
        """Order: participant, message, gone, repeat, block and state.

        A repeat is judged before the block: the answer to the first one may have been lost. Neither receipts
        nor unread numbers nor the order of the list depend on reactions.
        """
        conversation, _, peer = unit.participants(self.room, self.user_id)
        message = unit.message(conversation, self.seq)
        is_gone = message.deleted_at is not None or self.user_id in message.hidden_from
        if is_gone or message.kind != Message.Kind.TEXT:
            raise MessageGone
        write = None
        reactions = changed_reactions(message.reactions, user=self.sender, emoji=self.emoji, on=self.on)
        if reactions != message.reactions:
            ensure_deliverable(conversation, peer)
            message.reactions = reactions
            unit.change_message(conversation, message)
            write = Write(self.room, self.seq, message.client_id, message.version)
        return Outcome(changed(unit, conversation, message, self.user_id), write)


def readable(reactions: Any) -> list[dict[str, Any]]:
    """A copy. A corrupt row has no reactions: one that is set replaces the unreadable ones (F30)."""
    try:
        return [Reaction(**each).model_dump() for each in reactions]
    except (ValueError, TypeError):
        return []


def changed_reactions(reactions: Any, *, user: str, emoji: str, on: bool) -> list[dict[str, Any]]:
    """One reaction a user: another emoji replaces it. Ordered by who was first, the same on every device."""
    kept = readable(reactions)
    mine = next((each for each in kept if user in each["users"]), None)
    if on == (mine is not None and mine["emoji"] == emoji):
        return kept
    if mine is not None and (on or mine["emoji"] == emoji):
        mine["users"].remove(user)
    if on:
        place = next((each for each in kept if each["emoji"] == emoji), None)
        if place is None:
            kept.append(place := {"emoji": emoji, "users": []})
        place["users"].append(user)
    return [each for each in kept if each["users"]]
