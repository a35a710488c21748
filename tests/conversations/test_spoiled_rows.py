"""Corrupt rows, from a bad disk or a manual edit: both users still get everything around them."""

from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from accounts.models import User
from conversations import frames
from conversations.exceptions import EditWindowClosed, NotAuthor
from conversations.models import Conversation, Message
from conversations.services.messages import message_delete, message_edit, message_hide, message_send
from conversations.services.search_indexing import Indexer
from tests.factories import make_message
from tests.sockets import expect, open_in_process

pytestmark = pytest.mark.django_db(transaction=True)


def spoil(message: Message, **columns: Any) -> None:
    """Write into the row past all checks."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA foreign_keys=OFF")
        for name, value in columns.items():
            cursor.execute(
                f"UPDATE message SET {name} = {value} WHERE conversation_id = %s AND seq = %s",
                [message.conversation_id, message.seq],
            )


SPOILED = [
    pytest.param({"body": "CAST(x'68ff69' AS TEXT)"}, id="a body that is no text"),
    pytest.param({"body": "x'00ff00'"}, id="a body of bytes"),
    pytest.param({"sender_id": "987654321"}, id="a sender who is not there"),
    pytest.param({"kind": "'later'"}, id="a kind of the future"),
    pytest.param({"created_at": "'yesterday'"}, id="a time that is none"),
]


@pytest.fixture
def messages(chat: Conversation, alice: User, bob: User) -> list[Message]:
    return [make_message(chat, alice if number % 2 else bob, f"message {number}") for number in range(1, 6)]


@pytest.mark.parametrize("columns", SPOILED)
async def test_both_people_catch_up_past_a_spoiled_row(
    chat: Conversation, alice: User, bob: User, messages: list[Message], columns: dict[str, str]
) -> None:
    await sync_to_async(spoil)(messages[2], **columns)
    for person in (alice, bob):
        async with open_in_process(person) as socket:
            await expect(socket, "connection_established")
            await socket.send("sync", rooms={chat.room_name: 0})
            page = await expect(socket, "sync.page")
            assert [message["seq"] for message in page["messages"]] == [1, 2, 3, 4, 5]
            assert page["version"] == 5
            bodies = [message["body"] for message in page["messages"]]
            assert bodies[:2] + bodies[3:] == ["message 1", "message 2", "message 4", "message 5"]


@pytest.mark.parametrize("columns", SPOILED)
@pytest.mark.parametrize("seq", [3, 5], ids=["in the middle", "the newest"])
def test_pages_and_the_api_show_what_is_around_it(
    chat: Conversation,
    alice: User,
    bob: User,
    messages: list[Message],
    client_of: Any,
    columns: dict[str, str],
    seq: int,
) -> None:
    spoil(messages[seq - 1], **columns)
    for person in (alice, bob):
        browser = client_of(person)
        for path in ("/chats/", f"/chats/{chat.room_name}/"):
            page = browser.get(path)
            assert page.status_code == 200
        assert b"message 4" in page.content
        items = browser.get(f"/api/v1/conversations/{chat.room_name}/messages").json()["items"]
        assert [message["seq"] for message in items] == [1, 2, 3, 4, 5]
        assert len(browser.get("/api/v1/conversations").json()["items"]) == 1


def test_alice_writes_on_after_a_spoiled_row(
    chat: Conversation, alice: User, messages: list[Message], client_of: Any
) -> None:
    spoil(messages[4], body="x'ff'", kind="'later'")
    body = {"id": str(uuid4()), "body": "still here"}
    sent = client_of(alice).post(
        f"/api/v1/conversations/{chat.room_name}/messages", body, content_type="application/json"
    )
    assert (sent.status_code, sent.json()["message"]["seq"]) == (201, 6)


@pytest.mark.parametrize("columns", SPOILED)
def test_a_spoiled_row_can_be_deleted_and_hidden(
    chat: Conversation, alice: User, bob: User, messages: list[Message], columns: dict[str, str]
) -> None:
    """Its author can take back what the disk has damaged; without an author, each for themselves."""
    spoil(messages[2], **columns)
    assert message_hide(user=bob, room=chat.room_name, seq=3).result(0).message.body == ""
    deletion = message_delete(user=alice, room=chat.room_name, seq=3)
    if "sender_id" in columns:
        assert isinstance(deletion.exception(0), NotAuthor)
        assert message_hide(user=alice, room=chat.room_name, seq=3).result(0).message.sender == ""
    else:
        assert deletion.result(0).message.body == ""
        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM message WHERE seq = 3")
            assert cursor.fetchone() == ("",)


@pytest.mark.parametrize("columns", SPOILED)
def test_a_spoiled_row_can_be_answered_and_its_chat_searched(
    chat: Conversation,
    bob: User,
    messages: list[Message],
    client_of: Any,
    columns: dict[str, str],
) -> None:
    spoil(messages[2], **columns)
    answer = message_send(user=bob, room=chat.room_name, id=uuid4(), body="what was that?", reply_to=3)
    assert answer.result(0).seq == 6
    assert Indexer().run()
    found = client_of(bob).get("/api/v1/search?q=that").json()["items"]
    assert [item["message"]["body"] for item in found] == ["what was that?"]


def test_a_row_without_a_time_is_too_old_to_be_edited(
    chat: Conversation, alice: User, messages: list[Message]
) -> None:
    spoil(messages[2], created_at="'yesterday'")
    edited = message_edit(user=alice, room=chat.room_name, seq=3, body="changed")
    assert isinstance(edited.exception(0), EditWindowClosed)


@pytest.mark.parametrize("draft", ["CAST(x'68ff69' AS TEXT)", "x'00ff00'"])
async def test_a_spoiled_draft_keeps_alice_from_nothing(
    chat: Conversation, alice: User, messages: list[Message], client_of: Any, draft: str
) -> None:
    def write_and_read() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE participant SET draft = {draft}, mark = 5")
        browser = client_of(alice)
        rows = browser.get("/api/v1/conversations").json()["items"]
        assert isinstance(rows[0]["draft"], str)
        assert browser.get(f"/chats/{chat.room_name}/").status_code == 200

    await sync_to_async(write_and_read)()
    async with open_in_process(alice) as socket:
        await expect(socket, "connection_established")
        await socket.send("sync", rooms={chat.room_name: 0}, marks={chat.room_name: 0})
        assert (await expect(socket, "sync.page"))["conversation"]["head"] == 5


async def test_an_unexpected_error_is_logged_without_its_text(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors of validation quote the value, which may be a message or a draft (docs/threats.md T63)."""

    def fail(*args: Any, **options: Any) -> None:
        raise ValueError("the quokka")

    monkeypatch.setattr(frames, "sync_page", fail)
    async with open_in_process(alice) as socket:
        await expect(socket, "connection_established")
        await socket.send("sync", ref="s", rooms={chat.room_name: 0})
        assert (await expect(socket, "error"))["code"] == "internal"
    assert "a command of type sync failed with a ValueError" in caplog.text
    assert "in fail" in caplog.text
    assert "quokka" not in caplog.text.replace('raise ValueError("the quokka")', "")
