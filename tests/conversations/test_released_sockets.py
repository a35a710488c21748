"""Resources of sockets: released however a socket ends.

Only layer messages of known types reach a consumer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings as configured

from accounts.models import User
from conversations import delivery, frames, throttling
from conversations.consumers import SessionConsumer
from conversations.consumers.commands import CommandHandlers
from conversations.consumers.connection import Connection
from conversations.consumers.registry import connection_registry
from conversations.consumers.subscriptions import Subscriptions
from conversations.models import Conversation, Message
from conversations.monitors.activity import activity_monitor
from conversations.monitors.changes import change_poller
from conversations.monitors.sessions import session_monitor
from conversations.rooms import user_group
from tests.sockets import IN_PROCESS_HOST, expect, expect_close, open_in_process, session_key_of

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _as_in_the_service(settings: Any) -> None:
    # The import configures logging, which would remove the capture of a test that imported it first.
    import dm_project.asgi  # noqa: F401

    settings.LIMITS = True
    settings.JOURNAL_INLINE = False


@asynccontextmanager
async def bare_socket(user: User, **scope: Any) -> AsyncIterator[WebsocketCommunicator]:
    """A handshake whose application the test ends itself."""
    from dm_project.asgi import application

    cookie = f"{configured.SESSION_COOKIE_NAME}={await session_key_of(user)}"
    headers = [
        (b"host", IN_PROCESS_HOST.encode()),
        (b"origin", f"http://{IN_PROCESS_HOST}".encode()),
        (b"cookie", cookie.encode()),
    ]
    communicator = WebsocketCommunicator(application, "/ws/", headers=headers)
    communicator.scope.update(scope)
    await communicator.send_input({"type": "websocket.connect"})
    yield communicator
    communicator.stop(exceptions=False)


async def ended(communicator: WebsocketCommunicator) -> None:
    async with asyncio.timeout(10):
        await asyncio.wait([communicator.future])
    # Tasks that were cancelled with the socket end in the turns after it.
    for _ in range(10):
        await asyncio.sleep(0)


def held() -> dict[str, Any]:
    """All resources that sockets hold, wherever they are registered."""
    layer = delivery.channel_layer()
    found = {
        "slots by user": throttling.socket_slots.by_user,
        "slots by address": throttling.socket_slots.by_address,
        "connections": connection_registry.sockets,
        "change poller": change_poller().listeners,
        "session monitor": session_monitor().sockets,
        "activity": {id: user for id, user in activity_monitor().tracker.users.items() if user.sockets},
        "mailboxes": layer.mailboxes,
        "groups": layer.groups,
    }
    return {name: dict.fromkeys(what) for name, what in found.items() if what}


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0)


async def until_greeted(communicator: WebsocketCommunicator) -> None:
    while "connection_established" not in str(await communicator.receive_output(timeout=10)):
        pass


async def never(*args: Any, **kwargs: Any) -> None:
    await asyncio.Event().wait()


def fail(*args: Any, **kwargs: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "how", ["killed while busy", "disconnected while busy", "killed while idle", "disconnected"]
)
async def test_a_greeted_socket_releases_everything(
    alice: User, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    handled: list[str] = []
    disconnected = asyncio.get_running_loop().create_future()

    async def slowly(self: CommandHandlers, text: str) -> None:
        handled.append(text)
        await never()

    if "busy" in how:
        monkeypatch.setattr(CommandHandlers, "handle", slowly)
    async with bare_socket(alice, disconnected=lambda: disconnected) as socket:
        await until_greeted(socket)
        assert len(held()) == 8, "otherwise this test proves nothing"
        if "busy" in how:
            for number in range(3):
                await socket.send_input({"type": "websocket.receive", "text": str(number)})
            await until(lambda: bool(handled))
        if how.startswith("killed"):
            socket.future.cancel()
        elif how == "disconnected":
            await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        else:
            disconnected.set_result(None)
        await ended(socket)
    assert held() == {}
    assert len(handled) <= 1


@pytest.mark.parametrize(
    "at", ["accept", "registry", "groups", "greeting", "joining", "shown", "late greeting", "a probe"]
)
async def test_a_socket_that_fails_in_its_handshake_releases_everything(
    alice: User, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    if at in {"late greeting", "a probe"}:
        monkeypatch.setattr("conversations.channel_layers.local.LocalChannelLayer.joins_at_once", False)

    async def failing(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    target: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "accept": (SessionConsumer, "accept", failing),
        "registry": (connection_registry, "join", failing),
        "groups": (Connection, "join_group", failing),
        "greeting": (frames, "greeting", fail),
        "late greeting": (frames, "greeting", fail),
        "joining": (session_monitor(), "join", fail),
        "shown": (Subscriptions, "open_filtered", failing),
        "a probe": (SessionConsumer, "greet_after_probe", never),
    }
    monkeypatch.setattr(*target[at])
    async with bare_socket(alice) as socket:
        if at == "a probe":
            await until(lambda: bool(throttling.socket_slots.by_user))
            socket.future.cancel()
        else:
            while (message := await socket.receive_output(timeout=10))["type"] != "websocket.close":
                pass
            assert message.get("code") == (None if at == "accept" else 4500)
            await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await ended(socket)
    assert held() == {}


async def test_a_resource_that_cannot_be_released_keeps_no_other(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bare_socket(alice) as socket:
        await until_greeted(socket)
        monkeypatch.setattr(activity_monitor(), "leave", fail)
        socket.future.cancel()
        await ended(socket)
    activity_monitor().tracker.users.clear()
    assert held() == {}


async def test_an_answer_after_the_end_starts_no_task(
    alice: User, chat: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions: list[Subscriptions] = []
    monkeypatch.setattr(Subscriptions, "open_filtered", lambda self: _note(subscriptions, self))
    async with bare_socket(alice) as socket:
        await until_greeted(socket)
        socket.future.cancel()
        await ended(socket)
    connection = subscriptions[0].connection
    connection.start(subscriptions[0].open(chat.room_name))
    assert not connection.tasks
    assert held() == {}


async def _note(found: list[Subscriptions], subscriptions: Subscriptions) -> None:
    found.append(subscriptions)


async def test_the_twenty_first_socket_ends_the_oldest_with_a_reason(alice: User, settings: Any) -> None:
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sockets_a_person": 2}
    async with open_in_process(alice) as oldest, open_in_process(alice) as older:
        for socket in (oldest, older):
            await expect(socket, "connection_established")
        async with open_in_process(alice) as newest:
            await expect(newest, "connection_established")
            await expect_close(oldest, 4409)
            bye = oldest.waiting[-1]
            assert (bye["type"], bye["reason"], bye["retryable"], bye["retry_after_ms"]) == (
                "bye",
                "replaced",
                True,
                0,
            )
            await older.send("ping")
            await expect(older, "pong")
    assert held() == {}


async def test_an_expired_socket_is_told_to_reconnect(alice: User) -> None:
    async with bare_socket(alice) as socket:
        await until_greeted(socket)
        await socket.send_input({"type": "socket.expired"})
        assert '"code":4012' in (await socket.receive_output(timeout=10))["text"].replace(" ", "")
        assert (await socket.receive_output(timeout=10))["code"] == 4012


# --- What comes from the layer ---


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.receive", "text": "SEND"},
        {"type": "websocket.disconnect", "code": 1000},
        {"type": "receive", "text": "SEND"},
        {"type": "release"},
        {"type": "socket.stalled"},
        {"type": "__init__"},
        {"type": ["frame.push"]},
        {},
    ],
)
async def test_a_message_of_another_type_reaches_no_method(
    alice: User, chat: Conversation, caplog: pytest.LogCaptureFixture, message: dict[str, Any]
) -> None:
    """An attacker who can write to Redis must not act as every connected user."""
    send = f'{{"type": "message.send", "room": "{chat.room_name}", "id": "{uuid4()}", "body": "not hers"}}'
    message = {key: send if value == "SEND" else value for key, value in message.items()}
    async with open_in_process(alice) as socket:
        await expect(socket, "connection_established")
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            await delivery.channel_layer().group_send(user_group(alice.pk), message)
            await socket.send("ping")
            await expect(socket, "pong")
        assert not socket.waiting
    assert not await sync_to_async(Message.objects.exists)()
    assert len(caplog.records) == 1
    assert "unknown type" in caplog.text
    assert "not hers" not in caplog.text


@pytest.mark.parametrize(
    "message",
    [{"type": "frame.push"}, {"type": "session.end", "code": "x"}, {"type": "typing.push", "room": []}],
)
async def test_a_malformed_message_is_dropped(
    alice: User, caplog: pytest.LogCaptureFixture, message: dict[str, Any]
) -> None:
    async with open_in_process(alice) as socket:
        await expect(socket, "connection_established")
        caplog.clear()
        await delivery.channel_layer().group_send(user_group(alice.pk), message)
        await socket.send("ping")
        await expect(socket, "pong")
        assert not socket.waiting
    assert [record.exc_info for record in caplog.records] == [None]


async def test_sockets_that_connect_without_a_layer_leave_no_log_line_each(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The layer logs its outage once; four lines for each socket would fill the log when all clients
    reconnect."""
    monkeypatch.setattr("conversations.channel_layers.local.LocalChannelLayer.joins_at_once", False)
    monkeypatch.setattr("conversations.consumers.session.PROBE_SECONDS", 0.01)
    tries = []

    async def fail_to_send(*args: Any) -> None:
        tries.append(args)
        raise ConnectionError("gone")

    monkeypatch.setattr("conversations.channel_layers.local.LocalChannelLayer.group_send", fail_to_send)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            async with bare_socket(alice) as socket:
                await until_greeted(socket)
    assert len(tries) >= 3
    assert [record.getMessage() for record in caplog.records if record.name.startswith("conversations")] == []
