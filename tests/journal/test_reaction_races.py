"""Two processes at one instant: both people react, one reacts while the other deletes."""

from typing import Any

import pytest

from accounts.models import User
from conversations.exceptions import MessageGone, Refusal
from conversations.journal import Changed, DeleteCommand, ReactionCommand
from conversations.models import Conversation, Message
from tests.factories import make_messages
from tests.journal.writers import TIMEOUT_S, StoppableWriter, at_once, running_writers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
ROUNDS = 12
THUMB, HEART = "👍", "\u2764\ufe0f"


def outcome(writer: StoppableWriter, command: Any) -> Changed | Refusal:
    try:
        changed: Changed = writer.submit(command).result(TIMEOUT_S)
    except Refusal as refusal:
        return refusal
    return changed


def reacting(chat: Conversation, user: User, seq: int, emoji: str = THUMB) -> ReactionCommand:
    return ReactionCommand(chat.room_name, user.pk, user.public_id, seq, emoji, on=True)


def test_neither_reaction_of_the_same_instant_is_lost(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [bob], ROUNDS)
    with running_writers(2) as (hers, his):
        for seq in range(1, ROUNDS + 1):
            answers = at_once(
                lambda seq=seq: outcome(hers, reacting(chat, alice, seq, THUMB)),
                lambda seq=seq: outcome(his, reacting(chat, bob, seq, HEART)),
            )
            assert sorted(answer.version for answer in answers) == [ROUNDS + 2 * seq - 1, ROUNDS + 2 * seq]
            row = Message.objects.get(conversation=chat, seq=seq)
            found = {each["emoji"]: each["users"] for each in row.reactions}
            assert found == {THUMB: [alice.public_id], HEART: [bob.public_id]}
            assert row.version == ROUNDS + 2 * seq


def test_two_phones_of_alice_leave_one_reaction(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [bob], ROUNDS)
    with running_writers(2) as (phone, laptop):
        for seq in range(1, ROUNDS + 1):
            at_once(
                lambda seq=seq: outcome(phone, reacting(chat, alice, seq, THUMB)),
                lambda seq=seq: outcome(laptop, reacting(chat, alice, seq, HEART)),
            )
            (left,) = Message.objects.get(conversation=chat, seq=seq).reactions
            assert left["users"] == [alice.public_id]


def test_nothing_is_left_on_a_message_that_was_deleted_at_the_same_instant(
    chat: Conversation, alice: User, bob: User
) -> None:
    make_messages(chat, [bob], ROUNDS)
    with running_writers(2) as (hers, his):
        for seq in range(1, ROUNDS + 1):
            reacted, deleted = at_once(
                lambda seq=seq: outcome(hers, reacting(chat, alice, seq)),
                lambda seq=seq: outcome(his, DeleteCommand(chat.room_name, bob.pk, bob.public_id, seq)),
            )
            row = Message.objects.get(conversation=chat, seq=seq)
            assert (row.reactions, row.body) == ([], "")
            assert row.deleted_at is not None
            # Whichever came first: a deletion is never undone, and the reaction counted or was refused.
            assert isinstance(reacted, MessageGone) or reacted.version < deleted.version == row.version
