"""Edit, delete and hide over a socket and over HTTP: one answer each, pushes to every device, limits."""

import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from conversations import throttling
from conversations.models import Conversation, Message
from tests.factories import make_message
from tests.sockets import Frame, Socket, expect, open_in_process

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _as_in_the_service(settings: Any) -> None:
    settings.JOURNAL_INLINE = False


@pytest.fixture
def sent(chat: Conversation, alice: User) -> Message:
    return make_message(chat, alice, "hello")


async def devices(stack: AsyncExitStack, chat: Conversation, *users: User) -> list[Socket]:
    """Two devices of each: one with everything, one filtered to this room."""
    found = [
        await stack.enter_async_context(open_in_process(user, path))
        for user in users
        for path in ("/ws/", f"/ws/chat/{chat.room_name}/")
    ]
    for socket in found:
        await expect(socket, "connection_established")
    return found


async def ask(socket: Socket, type: str, **fields: Any) -> Frame:
    await socket.send(type, ref="r", **fields)
    while True:
        frame = await socket.next()
        if frame.get("ref") == "r":
            return frame


async def test_every_device_of_both_gets_an_edit_and_a_deletion(
    chat: Conversation, alice: User, bob: User, sent: Message
) -> None:
    async with AsyncExitStack() as stack:
        sockets = await devices(stack, chat, alice, bob)
        await sockets[0].send("message.edit", ref="e", room=chat.room_name, seq=1, body="hello Bob")
        assert await expect(sockets[0], "done") == {
            "type": "done", "ref": "e", "room": chat.room_name, "version": 2
        }  # fmt: skip
        edited = [await expect(socket, "message.changed") for socket in sockets]
        await sockets[1].send("message.delete", ref="d", room=chat.room_name, seq=1, scope="everyone")
        assert (await expect(sockets[1], "done"))["version"] == 3
        deleted = [await expect(socket, "message.changed") for socket in sockets]
    assert edited == [edited[0]] * 4
    assert deleted == [deleted[0]] * 4
    assert (edited[0]["message"]["body"], edited[0]["message"]["version"]) == ("hello Bob", 2)
    assert (deleted[0]["message"]["body"], bool(deleted[0]["message"]["deleted_at"])) == ("", True)


async def test_only_bobs_devices_learn_what_he_deleted_for_himself(
    chat: Conversation, alice: User, bob: User, sent: Message
) -> None:
    async with AsyncExitStack() as stack:
        alices, _, bobs, bobs_other = await devices(stack, chat, alice, bob)
        await bobs.send("message.delete", ref="d", room=chat.room_name, seq=1, scope="me")
        assert await expect(bobs, "done") == {"type": "done", "ref": "d", "room": chat.room_name}
        for socket in (bobs, bobs_other):
            assert await expect(socket, "message.hidden") == {
                "type": "message.hidden", "room": chat.room_name, "seq": 1, "mark": 1
            }  # fmt: skip
        page = await ask(alices, "sync", rooms={chat.room_name: 0})
        assert page["messages"][0]["body"] == "hello"
        assert alices.of_type("message.hidden") == []


async def test_a_device_that_was_away_catches_up_by_version_and_by_mark(
    chat: Conversation, alice: User, bob: User, sent: Message
) -> None:
    await sync_to_async(make_message)(chat, alice, "and more")
    async with open_in_process(bob) as socket:
        known = await expect(socket, "connection_established")
    async with open_in_process(bob) as other, open_in_process(alice) as hers:
        for open in (other, hers):
            await expect(open, "connection_established")
        await ask(hers, "message.edit", room=chat.room_name, seq=1, body="edited")
        await ask(hers, "message.delete", room=chat.room_name, seq=2, scope="everyone")
        await ask(other, "message.delete", room=chat.room_name, seq=1, scope="me")
    async with open_in_process(bob) as socket:
        greeting = await expect(socket, "connection_established")
        assert (greeting["rooms"], greeting["marks"]) == ({chat.room_name: 4}, {chat.room_name: 1})
        page = await ask(socket, "sync", rooms=known["rooms"], marks=known["marks"])
    assert [(each["seq"], each["version"], each["body"]) for each in page["messages"]] == [
        (1, 3, ""),
        (2, 4, ""),
    ]
    assert [each["deleted_for_me"] for each in page["messages"]] == [True, False]
    assert (page["hidden"], page["mark"], page["version"], page["more"]) == ([1], 1, 4, False)
    assert page["conversation"]["last_message"]["seq"] == 2
    assert page["conversation"]["unread"] == 2


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("message.edit", {"seq": 9, "body": "x"}, "not_found"),
    ("message.edit", {"seq": 1, "body": " "}, "invalid_text"),
    ("message.edit", {"seq": 1, "body": "x" * 8_001}, "too_large"),
    ("message.edit", {"seq": 2, "body": "x"}, "forbidden"),
    ("message.edit", {"seq": 1, "body": "x", "version": 0}, "bad_frame"),
    ("message.edit", {"seq": 0, "body": "x"}, "bad_frame"),
    ("message.edit", {"seq": 1}, "bad_frame"),
    ("message.delete", {"seq": 2, "scope": "everyone"}, "forbidden"),
    ("message.delete", {"seq": 9, "scope": "me"}, "not_found"),
    ("message.delete", {"seq": 1, "scope": "all"}, "bad_frame"),
    ("message.delete", {"seq": 1}, "bad_frame"),
]


async def test_what_cannot_be_done_is_refused_with_its_ref(
    chat: Conversation, alice: User, bob: User, sent: Message
) -> None:
    await sync_to_async(make_message)(chat, bob, "hi")
    for type, fields, code in REFUSED:
        async with open_in_process(alice) as socket:
            await expect(socket, "connection_established")
            answer = await ask(socket, type, room=chat.room_name, **fields)
            assert (answer["type"], answer["code"], answer["retryable"]) == ("error", code, False), (
                type,
                fields,
            )


async def test_edits_and_deletions_are_counted_as_messages(
    chat: Conversation, alice: User, sent: Message, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sends_burst": 3, "sends_per_s": 1}
    monkeypatch.setattr(throttling, "monotonic", lambda now: 1_000.0)
    throttling.sends.clear()
    throttling.frames.clear()
    async with open_in_process(alice) as socket:
        await expect(socket, "connection_established")
        answers = [
            await ask(socket, "message.edit", room=chat.room_name, seq=1, body="one"),
            await ask(socket, "message.delete", room=chat.room_name, seq=1, scope="me"),
            await ask(socket, "message.delete", room=chat.room_name, seq=1, scope="everyone"),
            await ask(socket, "message.edit", room=chat.room_name, seq=1, body="two"),
        ]
    assert [answer["type"] for answer in answers] == ["done"] * 3 + ["error"]
    assert (answers[3]["code"], answers[3]["retry_after_ms"]) == ("rate_limited", 1_001)
    throttling.sends.clear()


# --- HTTP ---


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


def call(browser: Client, method: str, chat: Conversation, seq: Any, body: Any = None) -> HttpResponse:
    path = f"/api/v1/conversations/{chat.room_name}/messages/{seq}"
    text = "" if body is None else json.dumps(body)
    return browser.generic(method, path, text, content_type="application/json" if text else "")


def test_an_edit_over_http_answers_with_the_message(
    browser: Client, chat: Conversation, alice: User, sent: Message
) -> None:
    answer = call(browser, "PATCH", chat, 1, {"body": "hello Bob", "version": 1})
    assert answer.status_code == 200
    assert set(answer.json()) == {"room", "message"}
    assert (answer.json()["message"]["body"], answer.json()["message"]["version"]) == ("hello Bob", 2)
    again = call(browser, "PATCH", chat, 1, {"body": "hello Bob", "version": 1})
    assert (again.status_code, again.json()) == (200, answer.json())


def test_a_deletion_over_http_is_for_both_unless_it_says_otherwise(
    browser: Client, chat: Conversation, alice: User, sent: Message
) -> None:
    hidden = call(browser, "DELETE", chat, "1?scope=me").json()["message"]
    assert (hidden["body"], hidden["deleted_for_me"], hidden["deleted_at"], hidden["version"]) == (
        "",
        True,
        None,
        1,
    )
    deleted = [call(browser, "DELETE", chat, 1) for _ in range(2)]
    assert [answer.status_code for answer in deleted] == [200, 200]
    assert deleted[0].json() == deleted[1].json()
    assert deleted[0].json()["message"]["deleted_at"] is not None
    assert Message.objects.get().body == ""


@pytest.mark.parametrize(
    ("method", "seq", "body", "status", "code"),
    [
        ("PATCH", 2, {"body": "x"}, 403, "forbidden"),
        ("PATCH", 9, {"body": "x"}, 404, "not_found"),
        ("PATCH", 3, {"body": "x"}, 410, "gone"),
        ("PATCH", 1, {"body": "x", "version": 1}, 200, None),
        ("PATCH", 4, {"body": "x", "version": 4}, 409, "conflict"),
        ("PATCH", 1, {"body": ""}, 422, "invalid_text"),
        ("PATCH", 1, {"body": "x" * 8_001}, 413, "too_large"),
        ("PATCH", 1, {}, 422, "bad_frame"),
        ("PATCH", 1, {"body": "x", "seq": 2}, 422, "bad_frame"),
        ("PATCH", "one", {"body": "x"}, 422, "bad_frame"),
        ("PATCH", 2**63, {"body": "x"}, 422, "bad_frame"),
        ("DELETE", 2, None, 403, "forbidden"),
        ("DELETE", 9, None, 404, "not_found"),
        ("DELETE", "9?scope=me", None, 404, "not_found"),
        ("DELETE", "1?scope=all", None, 422, "bad_frame"),
        ("DELETE", "2?scope=me", None, 200, None),
    ],
)
def test_over_http_every_refusal_has_its_status(
    browser: Client,
    chat: Conversation,
    alice: User,
    bob: User,
    sent: Message,
    method: str,
    seq: Any,
    body: Any,
    status: int,
    code: str | None,
) -> None:
    make_message(chat, bob, "hi")
    make_message(chat, alice, "", deleted_at=sent.created_at)
    make_message(chat, alice, "edited elsewhere")
    Message.objects.filter(seq=4).update(version=5)
    Conversation.objects.update(head=5)
    answer = call(browser, method, chat, seq, body)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_http_shares_the_limit_with_the_socket(
    browser: Client, chat: Conversation, sent: Message, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sends_burst": 1, "sends_per_s": 1}
    monkeypatch.setattr(throttling, "monotonic", lambda now: 1_000.0)
    throttling.sends.clear()
    assert call(browser, "PATCH", chat, 1, {"body": "x"}).status_code == 200
    assert call(browser, "DELETE", chat, 1).status_code == 429
    assert call(browser, "DELETE", chat, "1?scope=me").status_code == 429
    throttling.sends.clear()


def test_an_edit_needs_the_csrf_token_and_json(
    client_of: Callable[..., Client], chat: Conversation, alice: User, sent: Message
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies.update(client_of(alice).cookies)
    assert call(strict, "PATCH", chat, 1, {"body": "x"}).status_code == 403
    assert call(strict, "DELETE", chat, 1).status_code == 403
    path = f"/api/v1/conversations/{chat.room_name}/messages/1"
    assert client_of(alice).patch(path, "body=x", "application/x-www-form-urlencoded").status_code == 415
    assert Message.objects.get().body == "hello"
