"""Forwarding: the text of a message that I can see, sent as my own, without a trail."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from conversations.exceptions import (
    CannotDeliver,
    InvalidText,
    MessageConflict,
    MessageNotFound,
    Refusal,
)
from conversations.journal import SendCommand, batch
from conversations.journal.message_rows import messages_at
from conversations.models import Conversation, HiddenMessage, Message, Participant
from conversations.services.messages import message_send
from tests.factories import make_conversation, make_message

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
TEXT = "The door is green."


@pytest.fixture
def source(chat: Conversation, bob: User) -> Message:
    """What Bob wrote to Alice."""
    return make_message(chat, bob, TEXT)


@pytest.fixture
def other(alice: User, carol: User) -> Conversation:
    """Alice's conversation with Carol, where she forwards it to."""
    return make_conversation(alice, carol)


def forward(user: User, to: Conversation, room: str, seq: int = 1, id: UUID | None = None) -> Any:
    return message_send(user=user, room=to.room_name, id=id or uuid4(), body="", forward=(room, seq))


def refusal(user: User, to: Conversation, room: str, seq: int = 1) -> tuple[type, str]:
    reason = forward(user, to, room, seq).exception(0)
    return type(reason), str(reason)


NOT_FOUND = (MessageNotFound, "not_found")


def test_alice_forwards_what_bob_wrote_to_carol(
    chat: Conversation, source: Message, other: Conversation, alice: User
) -> None:
    accepted = forward(alice, other, chat.room_name).result(0)
    copy = Message.objects.get(conversation=other)
    assert (copy.body, copy.sender_id, copy.reply_to, copy.seq) == (TEXT, alice.pk, None, accepted.seq)
    wire = json.dumps(accepted.message.model_dump(mode="json"))
    assert str(source.client_id) not in wire, "no trail"
    assert chat.room_name not in wire


def test_it_may_go_where_it_came_from(chat: Conversation, source: Message, alice: User) -> None:
    forward(alice, chat, chat.room_name).result(0)
    assert list(Message.objects.order_by("seq").values_list("body", flat=True)) == [TEXT, TEXT]


def test_a_repeat_is_one_even_after_the_source_was_deleted(
    chat: Conversation, source: Message, other: Conversation, alice: User
) -> None:
    """The answer to the first try may have been lost, and the outbox sends it again after any time (P2)."""
    id = uuid4()
    first = forward(alice, other, chat.room_name, id=id).result(0)
    Message.objects.filter(pk=source.pk).update(body="", deleted_at=timezone.now())
    again = forward(alice, other, chat.room_name, id=id).result(0)
    assert (again.seq, again.duplicate) == (first.seq, True)
    assert Message.objects.filter(conversation=other).count() == 1


def test_the_same_id_for_another_message_is_a_conflict(
    chat: Conversation, source: Message, other: Conversation, alice: User, bob: User
) -> None:
    make_message(chat, bob, TEXT)
    id = uuid4()
    forward(alice, other, chat.room_name, id=id).result(0)
    assert isinstance(forward(alice, other, chat.room_name, 2, id=id).exception(0), MessageConflict)
    typed = message_send(user=alice, room=other.room_name, id=id, body=TEXT)
    assert isinstance(typed.exception(0), MessageConflict), "typed, not forwarded"


@pytest.mark.parametrize(
    "change",
    [{"deleted_at": "2026-01-01T00:00:00Z", "body": ""}, {"kind": "system"}, {"body": ""}],
    ids=["deleted", "worded by the server", "without a text"],
)
def test_what_has_no_text_is_not_found(
    chat: Conversation, source: Message, other: Conversation, alice: User, change: dict[str, str]
) -> None:
    Message.objects.filter(pk=source.pk).update(**change)
    assert refusal(alice, other, chat.room_name) == NOT_FOUND
    assert refusal(alice, other, chat.room_name, 9) == NOT_FOUND, "equal to one that was never there"


def test_what_alice_hid_or_cleared_is_not_found(
    chat: Conversation, source: Message, other: Conversation, alice: User, bob: User
) -> None:
    hidden = HiddenMessage.objects.create(conversation=chat, seq=1, user=alice, mark=1)
    assert refusal(alice, other, chat.room_name) == NOT_FOUND
    forward(bob, chat, chat.room_name).result(0)
    hidden.delete()
    Participant.objects.filter(conversation=chat, user=alice).update(cleared_seq=1)
    assert refusal(alice, other, chat.room_name) == NOT_FOUND


def test_mallory_cannot_forward_what_she_cannot_read(
    chat: Conversation, source: Message, mallory: User, carol: User
) -> None:
    """Into her own room, she would read the messages of others (docs/threats.md T5)."""
    hers = make_conversation(mallory, carol)
    answers = {refusal(mallory, hers, room) for room in (chat.room_name, "dm-" + "a" * 32)}
    assert answers == {NOT_FOUND}
    assert not Message.objects.filter(conversation=hers).exists()


def test_bob_cannot_forward_from_a_chat_that_does_not_show_yet(
    chat: Conversation, source: Message, alice: User, bob: User, carol: User
) -> None:
    hidden = make_conversation(carol, bob)
    make_message(hidden, carol, TEXT)
    Participant.objects.filter(conversation=hidden, user=bob).update(activity=None)
    assert refusal(bob, chat, hidden.room_name) == NOT_FOUND


def test_a_block_stands_in_the_way_to_the_target_only(
    chat: Conversation, source: Message, other: Conversation, alice: User
) -> None:
    Conversation.objects.filter(pk=chat.pk).update(high_blocks=True, low_blocks=True, state="closed")
    forward(alice, other, chat.room_name).result(0)
    Conversation.objects.filter(pk=other.pk).update(high_blocks=True)
    assert isinstance(forward(alice, other, chat.room_name).exception(0), CannotDeliver)


def test_a_text_of_ones_own_is_refused(chat: Conversation, source: Message, alice: User) -> None:
    with pytest.raises(InvalidText):
        message_send(user=alice, room=chat.room_name, id=uuid4(), body="look", forward=(chat.room_name, 1))


def test_a_draft_in_the_target_stays(
    chat: Conversation, source: Message, other: Conversation, alice: User
) -> None:
    """She typed it to Carol; the forwarded message is no answer to that."""
    Participant.objects.filter(conversation=other, user=alice).update(draft="Shall I")
    forward(alice, other, chat.room_name).result(0)
    assert Participant.objects.get(conversation=other, user=alice).draft == "Shall I"


def command(chat: Conversation, user: User, **values: Any) -> SendCommand:
    values = {"body": "", **values}
    return SendCommand(room=chat.room_name, user_id=user.pk, sender=user.public_id, id=uuid4(), **values)


def test_many_take_the_same_statements_as_one(
    chat: Conversation, source: Message, other: Conversation, alice: User
) -> None:
    def statements(how_many: int, **values: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            batch.write([command(other, alice, **values) for _ in range(how_many)])
        return len(queries)

    one = statements(1, forward=(chat.room_name, 1))
    assert statements(50, forward=(chat.room_name, 1)) == one
    assert statements(1, body="plain") == one - 1, "a plain send looks nothing more up"


def test_a_deletion_in_the_same_batch_comes_first(chat: Conversation, source: Message, alice: User) -> None:
    """The rows of the batch are read before its first command is judged."""

    class Deletion:
        room, id, credential = chat.room_name, None, None

        def prepare(self, unit: Any) -> None:
            unit.request(messages_at, (chat.pk, 1))

        def apply(self, unit: Any) -> Any:
            conversation, _, _ = unit.participants(chat.room_name, alice.pk)
            message = unit.message(conversation, 1)
            message.blank()
            message.deleted_at = unit.mark_changed(conversation)
            unit.change_message(conversation, message, is_text_changed=True)
            return batch.Outcome(None)

    outcomes, _ = batch.write([Deletion(), command(chat, alice, forward=(chat.room_name, 1))])
    assert isinstance(outcomes[1].result, MessageNotFound)
    assert not Message.objects.filter(body=TEXT).exists()


# --- Over HTTP ---


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


def test_the_api_forwards_and_repeats(
    browser: Client, chat: Conversation, source: Message, other: Conversation
) -> None:
    path = f"/api/v1/conversations/{other.room_name}/messages"
    body = {"id": str(uuid4()), "forward": {"room": chat.room_name, "seq": 1}}
    first, again = (browser.post(path, body, "application/json") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["message"] == again.json()["message"]
    assert (first.json()["message"]["body"], again.json()["duplicate"]) == (TEXT, True)


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({"body": ""}, 201),
        ({"body": "look"}, 422),
        ({"reply_to": 1}, 422),
        ({"attachments": []}, 422),
        ({"forward": {"seq": 1}}, 422),
        ({"forward": {"room": "", "seq": 1}}, 422),
        ({"forward": {"room": "dm-" + "a" * 32, "seq": 1}}, 404),
        ({"forward": None}, 422),
    ],
)
def test_the_api_takes_one_content_only(
    browser: Client, chat: Conversation, source: Message, extra: dict[str, Any], status: int
) -> None:
    path = f"/api/v1/conversations/{chat.room_name}/messages"
    body = {"id": str(uuid4()), "forward": {"room": chat.room_name, "seq": 1}} | extra
    assert browser.post(path, body, "application/json").status_code == status


def test_no_refusal_says_which_text_it_was_about(chat: Conversation, source: Message, alice: User) -> None:
    Message.objects.filter(pk=source.pk).update(deleted_at=timezone.now())
    reason = forward(alice, chat, chat.room_name).exception(0)
    assert isinstance(reason, Refusal)
    assert TEXT not in repr(reason)
