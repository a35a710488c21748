"""The service that sets reactions: one a person and message, seen by both, absolute."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from conversations import serializers
from conversations.access import access_conversation
from conversations.delivery import Push
from conversations.exceptions import (
    CannotDeliver,
    ConversationNotFound,
    InvalidText,
    MessageGone,
    MessageNotFound,
)
from conversations.journal import ReactionCommand, SendCommand, batch, writer
from conversations.journal.commands.react import changed_reactions
from conversations.models import Conversation, Message, Participant
from conversations.rooms import user_group
from conversations.selectors.changes import changes_after
from conversations.selectors.messages import message_page
from conversations.services.messages import message_delete, message_edit, message_hide, message_send
from conversations.services.reactions import reaction_set
from tests.factories import make_message, make_messages

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
THUMB, HEART, FAMILY = "👍", "\u2764\ufe0f", "👨\u200d👩\u200d👧\u200d👦"


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[Push]:
    gone: list[Push] = []
    monkeypatch.setattr(writer, "publish", gone.extend)
    return gone


def pushed_to(pushes: list[Push], user: User) -> list[dict[str, Any]]:
    return [json.loads(push.text) for push in pushes if push.group == user_group(user.pk)]


@pytest.fixture(autouse=True)
def hello(chat: Conversation, bob: User) -> Message:
    return make_message(chat, bob, "hello")


def react(user: User, chat: Conversation, emoji: str, *, on: bool = True, seq: int = 1) -> Any:
    return reaction_set(user=user, room=chat.room_name, seq=seq, emoji=emoji, on=on)


def shown(*users_of: tuple[str, User]) -> list[dict[str, Any]]:
    """Reactions as on the wire, from (emoji, user) in their order."""
    found: dict[str, list[str]] = {}
    for emoji, user in users_of:
        found.setdefault(emoji, []).append(user.public_id)
    return [{"emoji": emoji, "users": users} for emoji, users in found.items()]


def state(chat: Conversation) -> tuple[Any, ...]:
    """What must not depend on reactions."""
    columns = "received", "read_count", "read_seq", "delivered_seq", "shown_read", "mark", "activity"
    return tuple(Participant.objects.filter(conversation=chat).order_by("user_id").values_list(*columns))


def test_both_see_alices_reaction_at_once(
    chat: Conversation, alice: User, bob: User, pushes: list[Push]
) -> None:
    changed = react(alice, chat, THUMB).result(0)
    assert (changed.seq, changed.version) == (1, 2)
    for reader in (alice, bob):
        (frame,) = pushed_to(pushes, reader)
        message = frame["message"]
        assert (frame["type"], message["version"], message["seq"]) == ("message.changed", 2, 1)
        assert (message["reactions"], message["body"]) == (shown((THUMB, alice)), "hello")
        assert message["edited_at"] is None, "a reaction is no edit"
        membership = access_conversation(reader, chat.room_name)
        (late,) = changes_after(membership=membership, after=1).messages
        (read,) = message_page(membership=membership).items
        for row in (late, read):
            assert serializers.message(row, sender=bob.public_id).model_dump(mode="json") == message


def test_neither_receipts_nor_unread_nor_the_list_move(chat: Conversation, alice: User, bob: User) -> None:
    before = state(chat)
    react(alice, chat, THUMB).result(0)
    react(bob, chat, HEART).result(0)
    react(alice, chat, THUMB, on=False).result(0)
    assert state(chat) == before


def test_another_emoji_replaces_hers_and_leaves_his(chat: Conversation, alice: User, bob: User) -> None:
    react(alice, chat, THUMB).result(0)
    assert react(bob, chat, THUMB).result(0).message.model_dump()["reactions"] == shown(
        (THUMB, alice), (THUMB, bob)
    )
    assert react(alice, chat, HEART).result(0).message.model_dump()["reactions"] == shown(
        (THUMB, bob), (HEART, alice)
    )
    assert react(bob, chat, THUMB, on=False).result(0).message.model_dump()["reactions"] == shown(
        (HEART, alice)
    )


def test_what_is_so_already_takes_no_number(
    chat: Conversation, alice: User, bob: User, pushes: list[Push]
) -> None:
    react(alice, chat, THUMB).result(0)
    react(bob, chat, THUMB).result(0)
    pushes.clear()
    assert react(alice, chat, THUMB).result(0).version == 3
    assert react(alice, chat, HEART, on=False).result(0).version == 3, "hers is another one"
    assert pushes == []
    chat.refresh_from_db()
    assert chat.head == 3


@pytest.mark.parametrize("emoji", [THUMB, FAMILY, "👍🏿", "🇧🇷", "#\ufe0f\u20e3"])
def test_every_kind_of_emoji_is_stored_whole(chat: Conversation, alice: User, emoji: str) -> None:
    react(alice, chat, emoji).result(0)
    assert Message.objects.get().reactions == shown((emoji, alice))


@pytest.mark.parametrize("text", ["", "a", "❤", "👍👍", "👍" * 5_000, "<b>", "🏽", "\u202e👍"])
def test_what_is_no_emoji_is_refused_before_anything_is_looked_up(
    chat: Conversation, alice: User, text: str
) -> None:
    with CaptureQueriesContext(connection) as queries, pytest.raises(InvalidText):
        react(alice, chat, text)
    assert not queries.captured_queries


def test_a_message_that_is_gone_takes_none(chat: Conversation, alice: User, bob: User) -> None:
    for sender in (alice, bob, bob):
        make_message(chat, sender, "two, three, four")
    Message.objects.filter(seq=3).update(kind="system", ordinal=None)
    message_delete(user=alice, room=chat.room_name, seq=2).result(0)
    message_hide(user=alice, room=chat.room_name, seq=4).result(0)
    for seq in (2, 3, 4):
        for on in (True, False):
            assert type(react(alice, chat, THUMB, seq=seq, on=on).exception(0)) is MessageGone
    assert type(react(alice, chat, THUMB, seq=77).exception(0)) is MessageNotFound
    react(bob, chat, THUMB, seq=4).result(0)
    membership = access_conversation(alice, chat.room_name)
    hidden = message_page(membership=membership).items[3]
    assert serializers.message(hidden, sender="").reactions == [], "hidden from her with all that is on it"


def test_a_deletion_takes_the_reactions_with_it(chat: Conversation, alice: User, bob: User) -> None:
    react(alice, chat, THUMB).result(0)
    assert message_delete(user=bob, room=chat.room_name, seq=1).result(0).message.reactions == []
    assert Message.objects.get().reactions == []


def test_an_edit_leaves_the_reactions(chat: Conversation, alice: User, bob: User) -> None:
    react(alice, chat, THUMB).result(0)
    edited = message_edit(user=bob, room=chat.room_name, seq=1, body="Hello").result(0)
    assert edited.message.model_dump()["reactions"] == shown((THUMB, alice))


@pytest.mark.parametrize(
    "change", [{"low_blocks": True}, {"high_blocks": True}, {"state": "closed"}], ids=str
)
def test_under_a_block_nothing_changes_and_a_repeat_is_confirmed(
    chat: Conversation, alice: User, bob: User, change: dict[str, Any]
) -> None:
    react(alice, chat, THUMB).result(0)
    Conversation.objects.update(**change)
    for person, emoji, on in ((alice, THUMB, False), (alice, HEART, True), (bob, THUMB, True)):
        assert type(react(person, chat, emoji, on=on).exception(0)) is CannotDeliver
    assert react(alice, chat, THUMB).result(0).version == 2, "the answer to the first may have been lost"


def test_a_closed_account_keeps_its_place(chat: Conversation, alice: User, bob: User) -> None:
    """As its messages do: the id stays, and its card tells that the account is closed."""
    react(bob, chat, HEART).result(0)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    (row,) = message_page(membership=access_conversation(alice, chat.room_name)).items
    assert serializers.message(row, sender=bob.public_id).model_dump()["reactions"] == shown((HEART, bob))
    assert type(react(alice, chat, THUMB).exception(0)) is CannotDeliver


def test_mallory_cannot_react_in_the_room_of_others(
    chat: Conversation, mallory: User, pushes: list[Push]
) -> None:
    unknown = Conversation(room_name="dm-" + "a" * 32)
    answers = {
        (type(reason), str(reason))
        for room in (chat, unknown)
        for seq in (1, 77)
        if (reason := react(mallory, room, THUMB, seq=seq).exception(0))
    }
    assert answers == {(ConversationNotFound, "not_found")}
    assert (pushes, Message.objects.get().reactions) == ([], [])


def test_a_spoiled_row_takes_a_new_reaction(chat: Conversation, alice: User) -> None:
    """docs/threats.md F30."""
    for spoiled in ([{"emoji": 1}], {"a": 1}, 7, ["x"]):
        Message.objects.update(reactions=spoiled)
        assert react(alice, chat, THUMB).result(0).message.model_dump()["reactions"] == shown((THUMB, alice))


def test_a_page_of_reactions_stays_within_its_frame(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob], 300)
    Message.objects.update(reactions=shown((FAMILY, alice), (HEART, bob)))
    page = changes_after(membership=access_conversation(alice, chat.room_name), after=0)
    text = [serializers.message(row, sender=alice.public_id).model_dump_json() for row in page.messages]
    assert page.more
    assert sum(len(each.encode()) for each in text) < 60 * 1024


def test_many_reactions_take_the_same_statements_as_one(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob], 30)

    def statements(how_many: int) -> int:
        commands = [
            ReactionCommand(chat.room_name, user.pk, user.public_id, seq, THUMB, on=True)
            for user in (alice, bob)
            for seq in range(1, how_many + 1)
        ]
        with CaptureQueriesContext(connection) as queries:
            batch.write(commands)
        return len(queries)

    one = statements(1)
    assert statements(30) == one
    plain = SendCommand(
        room=chat.room_name, user_id=alice.pk, sender=alice.public_id, id=uuid4(), body="plain"
    )
    with CaptureQueriesContext(connection) as queries:
        batch.write([plain])
    assert len(queries) == one + 1, "a reaction writes no row of a participant"


def test_both_react_in_one_batch_and_neither_is_lost(chat: Conversation, alice: User, bob: User) -> None:
    commands = [
        ReactionCommand(chat.room_name, user.pk, user.public_id, 1, emoji, on=True)
        for user, emoji in ((alice, THUMB), (bob, HEART), (alice, HEART), (alice, HEART))
    ]
    outcomes, _ = batch.write(commands)
    assert [outcome.result.version for outcome in outcomes] == [2, 3, 4, 4]
    assert Message.objects.get().reactions == shown((HEART, bob), (HEART, alice))


def test_a_forwarded_message_and_a_reply_have_none_of_the_first(chat: Conversation, alice: User) -> None:
    react(alice, chat, THUMB).result(0)
    sent = message_send(
        user=alice, room=chat.room_name, id=uuid4(), body="", forward=(chat.room_name, 1)
    ).result(0)
    assert sent.message is not None
    assert sent.message.reactions == []


def test_the_rule_changes_nothing_in_place() -> None:
    before = [{"emoji": THUMB, "users": ["a"]}]
    after = changed_reactions(before, user="b", emoji=THUMB, on=True)
    assert (before, after) == ([{"emoji": THUMB, "users": ["a"]}], [{"emoji": THUMB, "users": ["a", "b"]}])


# --- Over HTTP ---


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


def address(chat: Conversation, emoji: str, seq: object = 1) -> str:
    return f"/api/v1/conversations/{chat.room_name}/messages/{seq}/reactions/{quote(emoji, safe='')}"


@pytest.mark.parametrize("emoji", [THUMB, HEART, FAMILY, "#\ufe0f\u20e3"])
def test_the_api_sets_and_takes_back(browser: Client, chat: Conversation, alice: User, emoji: str) -> None:
    put = browser.put(address(chat, emoji))
    assert (put.status_code, put.json()["room"]) == (200, chat.room_name)
    assert put.json()["message"]["reactions"] == shown((emoji, alice))
    assert browser.put(address(chat, emoji)).json() == put.json()
    gone = browser.delete(address(chat, emoji))
    assert (gone.status_code, gone.json()["message"]["reactions"]) == (200, [])


@pytest.mark.parametrize(
    ("emoji", "seq", "status", "code"),
    [
        ("a", 1, 422, "invalid_text"),
        ("❤", 1, 422, "invalid_text"),
        ("👍" * 50, 1, 422, "invalid_text"),
        ("\0", 1, 422, "invalid_text"),
        (THUMB, 77, 404, "not_found"),
        (THUMB, 0, 422, "bad_frame"),
        (THUMB, "x", 422, "bad_frame"),
    ],
)
def test_the_api_tells_what_is_wrong(
    browser: Client, chat: Conversation, emoji: str, seq: object, status: int, code: str
) -> None:
    for method in (browser.put, browser.delete):
        answer = method(address(chat, emoji, seq))
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_api_says_gone_of_a_deleted_message(browser: Client, chat: Conversation, bob: User) -> None:
    message_delete(user=bob, room=chat.room_name, seq=1).result(0)
    answer = browser.put(address(chat, THUMB))
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")
