"""Change poller of real processes: what no push delivers comes from the database."""

import signal
from collections.abc import Callable
from uuid import uuid4

from tests.conftest import ServerMaker
from tests.rig.daphne_server import migrated_database
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer
from tests.rig.redis_server import RedisServer
from tests.sockets import Socket, expect, expect_close, open_socket

Newcomer = Callable[..., Person]
LATER_MS = "30000"
"""Longer than a test waits."""

WRITE_BESIDE = """
from django.conf import settings
settings.JOURNAL_INLINE = True
from uuid import uuid4
from accounts.models import User
from conversations.services.messages import message_send
alice = User.objects.get(username="alice")
print(message_send(user=alice, room={room!r}, id=uuid4(), body="written in a shell").result().seq)
"""
NEW_EPOCH = "from conversations.models import Epoch; print(Epoch.objects.update(value='another-history'))"


async def send(socket: Socket, room: str, body: str) -> int:
    await socket.send("message.send", room=room, id=str(uuid4()), body=body)
    return int((await expect(socket, "message.accepted"))["seq"])


async def test_without_redis_messages_cross_between_processes_before_the_heads(
    start_server: ServerMaker, real_postgres: PostgresServer, real_redis: RedisServer, person_at: Newcomer
) -> None:
    server = start_server(
        2, DATABASE_URL=migrated_database(real_postgres), REDIS_URL=real_redis.url, HEADS_EVERY_MS=LATER_MS
    )
    alice, bob = person_at(server, "alice"), person_at(server, "bob", process=1)
    room = alice.open_chat_with(bob)
    async with open_socket(alice) as hers, open_socket(bob) as his:
        for socket in (hers, his):
            await expect(socket, "connection_established")
        real_redis.stop(signal.SIGKILL)
        for number in range(1, 4):
            assert await send(hers, room, f"message {number}") == number
            assert (await expect(his, "heads"))["rooms"] == {room: number}
            await his.send("sync", rooms={room: number - 1})
            assert [message["body"] for message in (await expect(his, "sync.page"))["messages"]] == [
                f"message {number}"
            ]


async def test_what_a_management_command_writes_beside_the_server_is_sent(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    server = start_server(HEADS_EVERY_MS=LATER_MS)
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    async with open_socket(bob) as his:
        await expect(his, "connection_established")
        assert (
            server.manage("shell", "--verbosity", "0", "-c", WRITE_BESIDE.format(room=room)).split()[-1]
            == "1"
        )
        assert (await expect(his, "heads"))["rooms"] == {room: 1}


async def test_after_a_restored_backup_every_socket_reconnects_and_learns_of_it(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    server = start_server(HEADS_EVERY_MS=LATER_MS)
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    alice.write(room, "before")
    async with open_socket(alice) as hers, open_socket(bob, f"/ws/chat/{room}/") as his:
        before = {(await expect(socket, "connection_established"))["epoch"] for socket in (hers, his)}
        # A first poll must have seen the history that ends: it sends what a command writes beside the server.
        server.manage("shell", "--verbosity", "0", "-c", WRITE_BESIDE.format(room=room))
        await expect(his, "heads")
        server.manage("shell", "--verbosity", "0", "-c", NEW_EPOCH)
        for socket in (hers, his):
            bye = await expect(socket, "bye", code=4012)
            assert bye["retryable"]
            assert bye["retry_after_ms"] > 0
            await expect_close(socket, 4012)
    async with open_socket(bob) as his:
        assert (await expect(his, "connection_established"))["epoch"] == "another-history" not in before
