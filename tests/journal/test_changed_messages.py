"""Messages that a batch changes: read by number, numbered like a send, written in one statement, pushed to
both."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from conversations.delivery import Push
from conversations.exceptions import MessageNotFound
from conversations.journal import batch, message_rows
from conversations.journal.commands import Outcome
from conversations.journal.message_rows import messages_at
from conversations.journal.unit_of_work import UnitOfWork
from conversations.models import Conversation, HiddenMessage, Message, Participant
from conversations.rooms import user_group
from tests.journal.writers import sending

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@dataclass(frozen=True)
class Rewording:
    """The smallest command that changes a message."""

    room: str
    user_id: int
    seq: int
    body: str
    id: ClassVar[None] = None
    credential: ClassVar[None] = None

    def prepare(self, unit: UnitOfWork) -> None:
        unit.request(messages_at, (unit.conversations[self.room].id, self.seq))

    def apply(self, unit: UnitOfWork) -> Outcome[int]:
        conversation, _, _ = unit.participants(self.room, self.user_id)
        message = unit.message(conversation, self.seq)
        message.edited_at = unit.mark_changed(conversation)
        message.body = self.body
        unit.change_message(conversation, message, is_text_changed=True)
        return Outcome(message.version)


def write(*commands: Any) -> tuple[list[Any], list[Push]]:
    outcomes, pushes = batch.write(list(commands))
    return [outcome.result for outcome in outcomes], pushes


def pushed(pushes: list[Push], user: User) -> list[dict[str, Any]]:
    return [json.loads(push.text) for push in pushes if push.group == user_group(user.id)]


def test_a_change_takes_the_next_number_and_keeps_the_place(chat: Conversation, alice: User) -> None:
    write(sending(chat, alice, "one"), sending(chat, alice, "two"))
    (version,), _ = write(Rewording(chat.room_name, alice.id, 1, "changed 🌿"))
    message = Message.objects.get(conversation=chat, seq=1)
    assert (version, message.version, message.body) == (3, 3, "changed 🌿")
    assert message.edited_at is not None
    assert message.edited_at >= message.created_at
    chat.refresh_from_db()
    assert chat.head == 3
    (accepted,), _ = write(sending(chat, alice))
    assert accepted.seq == 4


def test_every_column_comes_back_as_it_was_stored(chat: Conversation, alice: User) -> None:
    write(sending(chat, alice, "one"), sending(chat, alice, "two", reply_to=1))
    stored = Message.objects.get(conversation=chat, seq=2)
    stored.reactions = [{"emoji": "🌿", "users": [alice.public_id]}]
    stored.edited_at = stored.deleted_at = datetime(2026, 11, 21, 8, 0, 0, 123000, UTC)
    stored.save()
    found = messages_at([(chat.id, 2), (chat.id, 9)])
    assert list(found) == [(chat.id, 2)]
    names = [field.attname for field in Message._meta.concrete_fields]
    assert {name: getattr(found[chat.id, 2], name) for name in names} == {
        name: getattr(stored, name) for name in names
    }


def test_changes_of_one_message_in_one_batch_are_numbered_each_and_written_once(
    chat: Conversation, alice: User, bob: User
) -> None:
    """A send of the same batch included: its number can be guessed."""
    results, pushes = write(
        sending(chat, alice, "one"),
        Rewording(chat.room_name, bob.id, 1, "two"),
        Rewording(chat.room_name, alice.id, 1, "three"),
    )
    assert results[1:] == [2, 3]
    message = Message.objects.get(conversation=chat)
    assert (message.seq, message.version, message.body, message.fingerprint is None) == (1, 3, "three", False)
    assert [frame["message"]["body"] for frame in pushed(pushes, bob)] == ["one", "two", "three"]


def test_a_change_is_pushed_to_both_with_its_number(chat: Conversation, alice: User, bob: User) -> None:
    write(sending(chat, alice, "one"))
    _, pushes = write(Rewording(chat.room_name, bob.id, 1, "two"))
    (alices,), (bobs,) = pushed(pushes, alice), pushed(pushes, bob)
    assert alices == bobs
    assert (alices["type"], alices["room"]) == ("message.changed", chat.room_name)
    assert (alices["message"]["seq"], alices["message"]["version"]) == (1, 2)
    assert alices["message"]["sender"] == alice.public_id
    assert {push.head for push in pushes} == {2}


def test_a_change_leaves_a_message_empty_for_who_has_deleted_it(
    chat: Conversation, alice: User, bob: User
) -> None:
    write(sending(chat, alice, "one"))
    HiddenMessage.objects.create(conversation=chat, seq=1, user=bob, mark=1)
    _, pushes = write(Rewording(chat.room_name, alice.id, 1, "two"))
    (alices,), (bobs,) = pushed(pushes, alice), pushed(pushes, bob)
    assert (alices["message"]["body"], alices["message"]["deleted_for_me"]) == ("two", False)
    assert (bobs["message"]["body"], bobs["message"]["deleted_for_me"]) == ("", True)
    assert bobs["message"]["version"] == 2


def test_a_change_moves_no_counter_of_either(chat: Conversation, alice: User, bob: User) -> None:
    write(sending(chat, alice, "one"))
    before = list(Participant.objects.order_by("user_id").values())
    write(Rewording(chat.room_name, alice.id, 1, "two"))
    assert list(Participant.objects.order_by("user_id").values()) == before


def test_a_number_that_is_no_message_is_not_found(chat: Conversation, alice: User) -> None:
    write(sending(chat, alice), Rewording(chat.room_name, alice.id, 1, "two"))
    results, pushes = write(*[Rewording(chat.room_name, alice.id, seq, "three") for seq in (2, 3, 2**62)])
    assert [type(result) for result in results] == [MessageNotFound] * 3
    assert pushes == []


def test_changes_take_the_same_statements_however_many_there_are(chat: Conversation, alice: User) -> None:
    write(*[sending(chat, alice) for _ in range(100)])

    def statements(how_many: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            write(*[Rewording(chat.room_name, alice.id, seq, "two") for seq in range(1, how_many + 1)])
        return len(queries)

    assert statements(1) == statements(100)


def test_what_keeps_copies_of_a_text_removes_them_in_the_same_transaction(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(sending(chat, alice, "one"), sending(chat, alice, "two"))
    removed: list[tuple[Sequence[tuple[int, int]], bool]] = []
    monkeypatch.setattr(
        message_rows,
        "text_removals",
        [lambda keys: removed.append((keys, connection.in_atomic_block))],
    )
    write(sending(chat, alice, "three"))
    write(Rewording(chat.room_name, alice.id, 2, "two"), Rewording(chat.room_name, alice.id, 2, "three"))
    assert removed == [([(chat.id, 2)], True)]
