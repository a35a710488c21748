"""Quotes: what a reply shows of the message it answers, on every way by which it reaches a device."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from conversations import serializers
from conversations.access import access_conversation
from conversations.delivery import Push
from conversations.journal import SendCommand, batch, writer
from conversations.models import Conversation, HiddenMessage, Message
from conversations.rooms import user_group
from conversations.selectors.changes import changes_after
from conversations.selectors.conversations import conversation_list, conversation_row
from conversations.selectors.messages import message_page, message_page_around
from conversations.services.messages import message_delete, message_edit, message_hide, message_send
from tests.factories import make_conversation, make_message, make_messages

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
QUESTION = "Shall we meet at the green door?"


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[Push]:
    gone: list[Push] = []
    monkeypatch.setattr(writer, "publish", gone.extend)
    return gone


def pushed_to(pushes: list[Push], user: User) -> list[dict[str, Any]]:
    return [json.loads(push.text) for push in pushes if push.group == user_group(user.pk)]


@pytest.fixture
def question(chat: Conversation, bob: User) -> Message:
    return make_message(chat, bob, QUESTION)


def answer(user: User, chat: Conversation, seq: int = 1) -> dict[str, Any]:
    accepted = message_send(user=user, room=chat.room_name, id=uuid4(), body="Yes", reply_to=seq).result(0)
    assert accepted.message is not None
    return accepted.message.model_dump(mode="json")


def shown(user: User, chat: Conversation, seq: int = 2) -> list[dict[str, Any] | None]:
    """The quote of one reply in the history, a sync, the list, the row and around a linked message."""
    membership = access_conversation(user, chat.room_name)
    pages = [
        message_page(membership=membership).items,
        changes_after(membership=membership, after=0).messages,
        [row.last for row in conversation_list(user=user).items if row.last is not None],
        [conversation_row(membership).last],
        message_page_around(membership=membership, seq=seq, version=chat.head).items,
    ]
    return [
        serializers.message(row, sender="").model_dump(mode="json")["reply"]
        for page in pages
        for row in page
        if row is not None and row.seq == seq
    ]


def quote(bob: User, **changes: Any) -> dict[str, Any]:
    usual = {"seq": 1, "sender": bob.public_id, "kind": "text", "excerpt": QUESTION, "deleted": False}
    return {**usual, **changes}


def test_a_reply_shows_what_it_answers_wherever_it_is_read(
    chat: Conversation, question: Message, alice: User, bob: User, pushes: list[Push]
) -> None:
    assert answer(alice, chat)["reply"] == quote(bob)
    for reader in (alice, bob):
        assert [frame["message"]["reply"] for frame in pushed_to(pushes, reader)] == [quote(bob)]
        assert shown(reader, chat) == [quote(bob)] * 5


def test_an_edit_reaches_the_quote(chat: Conversation, question: Message, alice: User, bob: User) -> None:
    answer(alice, chat)
    message_edit(user=bob, room=chat.room_name, seq=1, body="At the red one").result(0)
    assert shown(alice, chat) == [quote(bob, excerpt="At the red one")] * 5


def test_a_deletion_reaches_the_quote(chat: Conversation, question: Message, alice: User, bob: User) -> None:
    answer(alice, chat)
    message_delete(user=bob, room=chat.room_name, seq=1).result(0)
    assert shown(alice, chat) == [quote(bob, excerpt="", deleted=True)] * 5


def test_what_alice_hid_is_quoted_to_bob_only(
    chat: Conversation, question: Message, alice: User, bob: User, pushes: list[Push]
) -> None:
    message_hide(user=alice, room=chat.room_name, seq=1).result(0)
    pushes.clear()
    hidden = quote(bob, excerpt="", deleted=True)
    assert answer(alice, chat)["reply"] == hidden
    assert [frame["message"]["reply"] for frame in pushed_to(pushes, alice)] == [hidden]
    assert [frame["message"]["reply"] for frame in pushed_to(pushes, bob)] == [quote(bob)]
    assert shown(alice, chat) == [hidden] * 5
    assert shown(bob, chat) == [quote(bob)] * 5


def test_a_reply_that_changes_is_pushed_with_its_quote(
    chat: Conversation, question: Message, alice: User, bob: User, pushes: list[Push]
) -> None:
    answer(alice, chat)
    pushes.clear()
    changed = message_edit(user=alice, room=chat.room_name, seq=2, body="No").result(0)
    assert changed.message.model_dump(mode="json")["reply"] == quote(bob)
    assert [frame["message"]["reply"] for frame in pushed_to(pushes, bob)] == [quote(bob)]
    message_hide(user=alice, room=chat.room_name, seq=1).result(0)
    pushes.clear()
    message_edit(user=alice, room=chat.room_name, seq=2, body="Yes").result(0)
    assert pushed_to(pushes, alice)[0]["message"]["reply"]["deleted"]
    assert pushed_to(pushes, bob)[0]["message"]["reply"] == quote(bob)


def test_a_deleted_reply_quotes_nothing(
    chat: Conversation, question: Message, alice: User, bob: User
) -> None:
    answer(alice, chat)
    deleted = message_delete(user=alice, room=chat.room_name, seq=2).result(0)
    assert (deleted.message.reply_to, deleted.message.reply) == (None, None)
    assert shown(bob, chat) == [None] * 5


def test_a_repeat_quotes_as_the_first_answer(
    chat: Conversation, question: Message, alice: User, bob: User
) -> None:
    id = uuid4()
    for _ in range(2):
        accepted = message_send(user=alice, room=chat.room_name, id=id, body="Yes", reply_to=1).result(0)
        assert accepted.message is not None
        assert accepted.message.model_dump(mode="json")["reply"] == quote(bob)


def test_a_reply_to_what_was_deleted_meanwhile_is_not_lost(
    chat: Conversation, question: Message, alice: User, bob: User
) -> None:
    """It was written before the deletion arrived."""
    message_delete(user=bob, room=chat.room_name, seq=1).result(0)
    assert answer(alice, chat)["reply"] == quote(bob, excerpt="", deleted=True)


def test_of_a_system_message_the_client_words_the_quote(
    chat: Conversation, question: Message, alice: User, bob: User
) -> None:
    Message.objects.filter(pk=question.pk).update(kind="system")
    answer(alice, chat)
    assert shown(bob, chat) == [quote(bob, kind="system", excerpt="")] * 5


def test_a_long_text_is_quoted_by_its_beginning(chat: Conversation, alice: User, bob: User) -> None:
    make_message(chat, bob, "x" * 199 + "👍🏽" + "y" * 7_000)
    answer(alice, chat)
    assert shown(alice, chat) == [quote(bob, excerpt="x" * 199)] * 5


def test_a_spoiled_number_keeps_no_page_from_anybody(
    chat: Conversation, question: Message, alice: User
) -> None:
    """docs/threats.md F30: a row refers to a message that is not there."""
    answer(alice, chat)
    Message.objects.filter(conversation=chat, seq=2).update(reply_to=77)
    assert shown(alice, chat) == [None] * 5


# --- Statements ---


def statements(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)


def test_one_statement_reads_the_quotes_of_a_page(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob], 40)
    membership = access_conversation(alice, chat.room_name)

    def counts() -> list[int]:
        around = {"membership": membership, "seq": 20, "version": 40}
        return [
            statements(lambda: message_page(membership=membership)),
            statements(lambda: message_page_around(**around)),
            statements(lambda: changes_after(membership=membership, after=0)),
        ]

    plain = counts()
    Message.objects.filter(seq__gt=1).update(reply_to=1)
    Message.objects.filter(seq__gt=20).update(reply_to=7)
    # A sync also reads the newest message for the row of the list, which is a reply now, too.
    assert counts() == [plain[0] + 1, plain[1] + 1, plain[2] + 2]


def test_one_statement_reads_the_quotes_of_the_list(alice: User, bob: User, carol: User) -> None:
    for peer in (bob, carol):
        make_messages(make_conversation(alice, peer), [peer, alice], 2)
    plain = statements(lambda: conversation_list(user=alice))
    Message.objects.filter(seq=2).update(reply_to=1)
    assert statements(lambda: conversation_list(user=alice)) == plain + 1


def test_a_reply_costs_a_send_one_statement_and_a_plain_message_none(
    chat: Conversation, question: Message, alice: User
) -> None:
    def sends(how_many: int, **values: Any) -> int:
        commands = [
            SendCommand(
                room=chat.room_name,
                user_id=alice.pk,
                sender=alice.public_id,
                id=uuid4(),
                body="Yes",
                **values,
            )
            for _ in range(how_many)
        ]
        return statements(lambda: batch.write(commands))

    plain = sends(1)
    assert sends(50) == plain
    assert [sends(1, reply_to=1), sends(50, reply_to=1)] == [plain + 1] * 2
    assert sends(1, reply_to=2) == plain + 1, "what is quoted may quote, which is not looked up"


# --- Without JavaScript ---


def test_the_page_shows_the_quote_and_links_to_what_it_answers(
    client_of: Callable[[User | None], Client], chat: Conversation, question: Message, alice: User
) -> None:
    answer(alice, chat)
    page = client_of(alice).get(f"/chats/{chat.room_name}/").content.decode()
    before, link, after = page.partition('href="?m=1#message-1"')
    assert link
    assert 'id="message-1"' in before
    assert QUESTION in after
    Message.objects.filter(pk=question.pk).update(body="", deleted_at=timezone.now())
    assert QUESTION not in client_of(alice).get(f"/chats/{chat.room_name}/").content.decode()


def test_the_page_quotes_nothing_that_alice_hid(
    client_of: Callable[[User | None], Client], chat: Conversation, question: Message, alice: User
) -> None:
    answer(alice, chat)
    HiddenMessage.objects.create(conversation=chat, seq=1, user=alice, mark=1)
    assert QUESTION not in client_of(alice).get(f"/chats/{chat.room_name}/").content.decode()
