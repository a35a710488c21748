"""The service that sends a message: cleaned, stored once, announced after the commit."""

import json
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from conversations import journal
from conversations.delivery import Push
from conversations.exceptions import (
    CannotDeliver,
    ConversationNotFound,
    InvalidText,
    MessageConflict,
    MessageNotFound,
    Refusal,
    TextTooLong,
)
from conversations.journal import writer
from conversations.models import Conversation, Message, Participant
from conversations.rooms import user_group
from conversations.services import notifications
from conversations.services.messages import message_send

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[Push]:
    """Everything that is published, in order."""
    gone: list[Push] = []
    monkeypatch.setattr(writer, "publish", gone.extend)
    monkeypatch.setattr(notifications, "publish", gone.extend)
    return gone


def pushed_to(pushes: list[Push], user: User) -> list[dict[str, Any]]:
    return [json.loads(push.text) for push in pushes if push.group == user_group(user.pk)]


def test_alice_sends_and_both_receive_the_same(
    chat: Conversation, alice: User, bob: User, pushes: list[Push]
) -> None:
    accepted = message_send(user=alice, room=chat.room_name, id=uuid4(), body="Hello").result(0)
    assert (accepted.seq, accepted.version, accepted.duplicate, accepted.room) == (
        1,
        1,
        False,
        chat.room_name,
    )
    assert [frame["type"] for frame in pushed_to(pushes, alice)] == ["message.created"]
    assert pushed_to(pushes, alice) == pushed_to(pushes, bob)
    message = pushed_to(pushes, bob)[0]["message"]
    assert (message["body"], message["sender"], message["seq"], message["ordinal"]) == (
        "Hello",
        alice.public_id,
        1,
        1,
    )
    assert len(pushes) == 2, "no third user receives it"


def test_text_is_stored_in_one_form(chat: Conversation, alice: User) -> None:
    message_send(user=alice, room=chat.room_name, id=uuid4(), body="e\u0301\r\nzwei\rdrei ")
    assert Message.objects.get().body == "é\nzwei\ndrei "


def test_the_same_text_written_otherwise_is_a_repeat(chat: Conversation, alice: User) -> None:
    """Two browsers may encode one letter differently; the user wrote one text."""
    id = uuid4()
    message_send(user=alice, room=chat.room_name, id=id, body="e\u0301\r\n.")
    assert message_send(user=alice, room=chat.room_name, id=id, body="é\n.").result(0).duplicate


def test_a_repeat_is_not_announced_again(chat: Conversation, alice: User, pushes: list[Push]) -> None:
    id = uuid4()
    first = message_send(user=alice, room=chat.room_name, id=id, body="once").result(0)
    pushes.clear()
    again = message_send(user=alice, room=chat.room_name, id=id, body="once").result(0)
    assert (again.seq, again.created_at, again.duplicate) == (first.seq, first.created_at, True)
    assert pushes == []


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ("", InvalidText),
        (" \n", InvalidText),
        ("a\0", InvalidText),
        ("\ud800", InvalidText),
        ("x" * 8_001, TextTooLong),
    ],
)
def test_bad_text_is_refused_before_anything_is_written(
    chat: Conversation, alice: User, body: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        message_send(user=alice, room=chat.room_name, id=uuid4(), body=body)
    assert not Message.objects.exists()


def test_what_cannot_be_attached_is_refused(chat: Conversation, alice: User) -> None:
    with pytest.raises(Refusal):
        message_send(
            user=alice, room=chat.room_name, id=uuid4(), body="see", attachments=("another-users-upload",)
        )
    assert not Message.objects.exists()


def test_mallory_cannot_send_into_the_room_of_others(
    chat: Conversation, mallory: User, pushes: list[Push]
) -> None:
    foreign = message_send(user=mallory, room=chat.room_name, id=uuid4(), body="let me in").exception(0)
    unknown = message_send(user=mallory, room="dm-" + "a" * 32, id=uuid4(), body="let me in").exception(0)
    assert type(foreign) is type(unknown) is ConversationNotFound
    assert str(foreign) == str(unknown)
    assert pushes == []
    assert not Message.objects.exists()


def test_refusals_come_through_the_future(
    chat: Conversation, alice: User, bob: User, pushes: list[Push]
) -> None:
    id = uuid4()
    message_send(user=alice, room=chat.room_name, id=id, body="one")
    pushes.clear()
    assert isinstance(
        message_send(user=alice, room=chat.room_name, id=id, body="two").exception(0), MessageConflict
    )
    assert isinstance(
        message_send(user=alice, room=chat.room_name, id=uuid4(), body="re", reply_to=9).exception(0),
        MessageNotFound,
    )
    Conversation.objects.update(low_blocks=True)
    assert isinstance(
        message_send(user=bob, room=chat.room_name, id=uuid4(), body="hello").exception(0), CannotDeliver
    )
    assert pushes == []


def test_the_first_message_puts_the_chat_into_bobs_list(
    chat: Conversation, alice: User, bob: User, pushes: list[Push]
) -> None:
    Participant.objects.filter(user=bob).update(activity=None)
    message_send(user=alice, room=chat.room_name, id=uuid4(), body="Hello Bob")
    changed = [
        frame["conversation"] for frame in pushed_to(pushes, bob) if frame["type"] == "conversation.changed"
    ]
    assert [(row["room"], row["peer"]["username"], row["unread"]) for row in changed] == [
        (chat.room_name, "alice", 1)
    ]
    assert [frame["type"] for frame in pushed_to(pushes, alice)] == ["message.created"], (
        "she has it in her list already"
    )
    pushes.clear()
    message_send(user=alice, room=chat.room_name, id=uuid4(), body="Are you there")
    assert [frame["type"] for frame in pushed_to(pushes, bob)] == ["message.created"]


def test_the_journal_is_the_only_way_in() -> None:
    assert set(journal.__all__) >= {"submit", "SendCommand", "ReceiptCommand"}
