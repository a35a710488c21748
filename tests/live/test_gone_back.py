"""The database goes back under a running service: every page is told once (docs/protocol.md P11)."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.conftest import ServerMaker
from tests.live.test_vanishing import send_until_accepted
from tests.rig.daphne_server import migrated_database
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer
from tests.rig.redis_server import RedisServer
from tests.sockets import expect, expect_close, open_socket

Newcomer = Callable[..., Person]
LOSE = (
    "DELETE FROM message WHERE seq > 2",
    "UPDATE conversation SET head = 2",
    "UPDATE participant SET received = LEAST(received, 2), read_count = LEAST(read_count, 2)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
)
"""A replica took over that had received two messages; all connections are cut."""


def move_into_place(backup: Path, file: Path) -> None:
    for leftover in ("-wal", "-shm"):
        Path(f"{file}{leftover}").unlink(missing_ok=True)
    backup.replace(file)


@pytest.mark.parametrize("folders", ["one", "two"])
async def test_a_lagging_replica_is_noticed_though_the_other_process_writes_first(
    start_server: ServerMaker,
    real_postgres: PostgresServer,
    real_redis: RedisServer,
    person_at: Newcomer,
    folders: str,
) -> None:
    database = migrated_database(real_postgres)
    first = start_server(1, DATABASE_URL=database, REDIS_URL=real_redis.url)
    other_folder = {} if folders == "two" else {"DATA_DIR": str(first.data_folder)}
    second = start_server(1, DATABASE_URL=database, REDIS_URL=real_redis.url, **other_folder)
    alice, bob = person_at(first, "alice"), person_at(second, "bob")
    room = alice.open_chat_with(bob)
    for number in range(1, 6):
        assert alice.write(room, f"message {number}").json()["message"]["seq"] == number
    async with open_socket(alice) as hers, open_socket(bob) as his:
        before = {(await expect(socket, "connection_established"))["epoch"] for socket in (hers, his)}
        for statement in LOSE:
            real_postgres.execute(statement, database=urlsplit(database).path[1:])
        for _ in range(3):
            # Over HTTP: his socket may be closed at any moment.
            await asyncio.to_thread(bob.write, room, "an answer that takes a lost number")
        for socket in (hers, his):
            await expect(socket, "bye", code=4012)
            await expect_close(socket, 4012)
    async with open_socket(alice) as hers, open_socket(bob) as his:
        after = {(await expect(socket, "connection_established"))["epoch"] for socket in (hers, his)}
        assert len(after) == 1
        assert not after & before
        # Two polls of both processes, and what is sent meanwhile.
        for _ in range(3):
            await send_until_accepted(hers, room, str(uuid4()), "and on it goes")
            await asyncio.sleep(1)
        assert not hers.of_type("bye") + his.of_type("bye"), "one epoch, not two processes in turn"


async def test_a_backup_that_is_moved_into_the_place_of_the_running_file_is_noticed_and_written(
    start_server: ServerMaker, person_at: Newcomer, tmp_path: Path
) -> None:
    """The open file has no name any more: nothing written to it may be acknowledged."""
    server = start_server()
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    for number in range(2):
        alice.write(room, f"message {number}")
    file = server.data_folder / "entre.sqlite3"
    with closing(sqlite3.connect(file)) as running, closing(sqlite3.connect(tmp_path / "backup")) as backup:
        running.backup(backup)
    for number in range(2):
        alice.write(room, f"lost message {number}")
    async with open_socket(alice) as hers:
        before = (await expect(hers, "connection_established"))["epoch"]
        move_into_place(tmp_path / "backup", file)
        await expect(hers, "bye", code=4012)
    assert alice.write(room, "after").json()["message"]["seq"] == 3
    async with open_socket(alice) as hers:
        assert (await expect(hers, "connection_established"))["epoch"] != before
    server.stop()
    with closing(sqlite3.connect(file)) as stored:
        assert stored.execute("SELECT body FROM message ORDER BY seq").fetchall()[2:] == [("after",)]
        assert stored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
