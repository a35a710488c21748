"""Failures while users chat, or at the start: no loss, sockets stay open, the operator reads one sentence."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import ServerMaker
from tests.rig.daphne_server import TIMEOUT_S, EntreServer, SharedStatics, migrated_database
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer
from tests.rig.redis_server import RedisServer
from tests.sockets import Frame, Socket, expect, expect_close, open_socket

Newcomer = Callable[..., Person]


async def is_alive(socket: Socket) -> None:
    await socket.send("ping")
    await expect(socket, "pong")


# --- PostgreSQL ---


@contextmanager
def vanished(postgres: PostgresServer, url: str) -> Iterator[None]:
    """The database cuts every connection and accepts no new one, until the block ends."""
    name = urlsplit(url).path[1:]
    with psycopg.connect(
        host=str(postgres.socket_folder), user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')


async def test_without_postgres_sockets_stay_open_and_sends_may_be_retried(
    start_server: ServerMaker, real_postgres: PostgresServer, person_at: Newcomer
) -> None:
    url = migrated_database(real_postgres)
    server = start_server(DATABASE_URL=url)
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    alice.write(room, "before")
    async with open_socket(alice) as hers, open_socket(bob, f"/ws/chat/{room}/") as his:
        for socket in (hers, his):
            await expect(socket, "connection_established")
        id = str(uuid4())
        with vanished(real_postgres, url):
            await hers.send("message.send", ref="1", room=room, id=id, body="into the dark")
            await his.send("sync", ref="2", rooms={room: 0})
            for socket, ref in ((hers, "1"), (his, "2")):
                error = await expect(socket, "error", ref=ref, within=30)
                assert (error["code"], error["retryable"]) == ("busy", True)
                assert error["retry_after_ms"] > 0
                await is_alive(socket)
            async with open_socket(bob) as late:
                bye = await expect(late, "bye")
                assert (bye["code"], bye["retryable"]) == (4503, True), "a 403 would mean: no access"
                await expect_close(late, 4503)
            assert alice.api("GET", "/me").status_code == 503
        accepted = await send_until_accepted(hers, room, id, "into the dark")
        assert (accepted["seq"], accepted["duplicate"]) == (2, False), (
            "what was answered busy had not been stored"
        )
        await expect(hers, "message.created", room=room)
        while (await expect(his, "message.created"))["message"]["id"] != id:
            pass
        await his.send("sync", ref="4", rooms={room: 0})
        page = await expect(his, "sync.page", ref="4", within=30)
        assert [message["body"] for message in page["messages"]] == ["before", "into the dark"]
    assert "into the dark" not in server.log()
    assert "Exception inside application" not in server.log()


async def test_dead_connections_are_replaced_without_a_failed_request(
    start_server: ServerMaker, real_postgres: PostgresServer, person_at: Newcomer
) -> None:
    """A restarted database or a firewall timeout: kept connections are dead, new ones work."""
    url = migrated_database(real_postgres)
    server = start_server(DATABASE_URL=url)
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        for number in range(1, 4):
            with vanished(real_postgres, url):
                pass
            accepted = await send_until_accepted(hers, room, str(uuid4()), "hello")
            assert accepted["seq"] == number
            assert alice.api("GET", f"/conversations/{room}").json()["head"] == number


async def send_until_accepted(socket: Socket, room: str, id: str, body: str) -> Frame:
    """As a browser does: the same id again while the reply is retryable."""
    while True:
        await socket.send("message.send", room=room, id=id, body=body)
        answer = await socket.take(
            lambda frame: frame.get("id") == id and frame["type"] in {"error", "message.accepted"}, 30
        )
        if answer["type"] == "message.accepted":
            return answer
        assert answer["retryable"], answer
        await asyncio.sleep(answer["retry_after_ms"] / 1000)


# --- Redis ---


async def test_without_redis_sends_are_acknowledged_and_numbers_bring_them_over(
    scaled_server: EntreServer, real_redis: RedisServer, person_at: Newcomer
) -> None:
    alice, bob = person_at(scaled_server, "alice"), person_at(scaled_server, "bob", process=1)
    room = alice.open_chat_with(bob)
    alice.write(room, "before")
    async with open_socket(alice) as hers, open_socket(bob) as his:
        for socket in (hers, his):
            await expect(socket, "connection_established")
        real_redis.stop(signal.SIGKILL)
        for number in range(2, 5):
            await hers.send("message.send", room=room, id=str(uuid4()), body=f"message {number}")
            assert (await expect(hers, "message.accepted"))["seq"] == number
        for socket in (hers, his):
            await is_alive(socket)
        while (await expect(his, "heads"))["rooms"][room] < 4:
            pass
        await his.send("sync", rooms={room: 1})
        page = await expect(his, "sync.page")
        assert [message["body"] for message in page["messages"]] == ["message 2", "message 3", "message 4"]
        async with open_socket(bob, f"/ws/chat/{room}/") as newcomer:
            assert (await expect(newcomer, "connection_established"))["rooms"] == {room: 4}, (
                "a socket opened meanwhile is welcome, too"
            )
        assert alice.write(room, "over HTTP").status_code == 201
        real_redis.start()
        await until_pushed(hers, his, room)
    for process in range(2):
        assert "Traceback" not in scaled_server.log(process)
        assert "a socket event" not in scaled_server.log(process)


async def until_pushed(sender: Socket, receiver: Socket, room: str) -> None:
    """Both processes use Redis again when a message crosses."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        id = str(uuid4())
        await sender.send("message.send", room=room, id=id, body="are you there")
        await expect(sender, "message.accepted", id=id)
        try:
            await receiver.take(
                lambda frame: (
                    frame["type"] == "message.created" and frame["message"]["body"] == "are you there"
                ),
                0.5,
            )
        except TimeoutError:
            continue
        return
    raise AssertionError("nothing crosses between the processes any more")


# --- At the start ---


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"DATABASE_URL": "postgres://entre@127.0.0.1:1/entre"}, ("database", "DATABASE_URL")),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, ("Redis", "REDIS_URL")),
        ({"REDIS_URL": "unix:///nowhere/redis.sock"}, ("Redis", "REDIS_URL")),
    ],
    ids=["no PostgreSQL", "no Redis", "no Redis socket"],
)
def test_what_is_unavailable_at_the_start_is_reported_in_one_sentence(
    statics: SharedStatics, values: dict[str, str], words: tuple[str, ...]
) -> None:
    server = EntreServer(statics, **values)
    try:
        assert server.launch().wait(TIMEOUT_S) != 0
        log = server.log()
    finally:
        server.__exit__(None, None, None)
    assert "Traceback" not in log
    assert "is at http://" not in log, "it does not claim to run"
    sentences = [line for line in log.splitlines() if line.startswith("Entre cannot start: ")]
    assert len(sentences) == 1, log
    assert all(word in sentences[0] for word in words)
