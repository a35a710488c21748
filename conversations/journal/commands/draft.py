"""Command: store what a user has typed and not sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from accounts.session_validity import Credential
from conversations.journal.commands.command import Outcome
from conversations.journal.statements import stored_drafts
from conversations.journal.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft is stored."""

    room: str


@dataclass(frozen=True, slots=True)
class DraftCommand:
    """`body` is cleaned already; empty removes the draft.

    Written by the journal, because the order counts: a draft that overtook the message it became would come
    back. `announce` is called after the commit, with the conversation and the user, if anything has changed.
    """

    room: str
    user_id: int
    body: str
    credential: Credential | None = None
    announce: Callable[[int, int], object] | None = field(default=None, compare=False, repr=False)
    id: ClassVar[None] = None

    def prepare(self, unit: UnitOfWork) -> None:
        conversation = unit.conversations.get(self.room)
        if conversation is not None:
            unit.request(stored_drafts, (conversation.id, self.user_id))

    def apply(self, unit: UnitOfWork) -> Outcome[Drafted]:
        """A draft reaches only its author, so a block or a closed chat does not matter."""
        conversation, me, _ = unit.participants(self.room, self.user_id)
        drafts, key = unit.results(stored_drafts), (conversation.id, self.user_id)
        if self.body == (drafts[key] if me.draft is None else me.draft):
            return Outcome(Drafted(self.room))
        me.draft, me.has_draft = self.body, bool(self.body)
        me.mark += 1
        unit.mark_changed(conversation, me)
        after_commit = None if self.announce is None else partial(self.announce, *key)
        return Outcome(Drafted(self.room), after_commit=after_commit)
