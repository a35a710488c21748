"""Storage faults: a locked SQLite file, full disks, a missing cache. Writes report it, and reads go on."""

import asyncio
import signal
import sqlite3
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

from tests.conftest import ServerMaker
from tests.live.test_vanishing import is_alive, send_until_accepted
from tests.rig.broken_file import full_disk, locked
from tests.rig.daphne_server import migrated_database
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer
from tests.rig.redis_server import RedisServer
from tests.sockets import Socket, expect, open_socket

PersonMaker = Callable[..., Person]
RIGHT, WRONG = "correct horse battery", "another horse battery"


async def expect_reads_work(socket: Socket, person: Person, room: str, head: int) -> None:
    await is_alive(socket)
    await socket.send("sync", ref="read", rooms={room: 0})
    assert (await expect(socket, "sync.page", ref="read"))["version"] == head
    assert person.api("GET", f"/conversations/{room}/messages").status_code == 200
    assert person.http.get(f"/chats/{room}/").status_code == 200


async def expect_errors_everywhere(socket: Socket, person: Person, room: str, code: str, token: str) -> str:
    """Socket, API and form give a retryable error; the form keeps the text. Returns the id of the send."""
    id = str(uuid4())
    await socket.send("message.send", ref="full", room=room, id=id, body="while it fails")
    error = await expect(socket, "error", ref="full")
    assert (error["code"], error["retryable"], error["id"]) == (code, True, id)
    assert error["retry_after_ms"] > 0
    refused = await asyncio.to_thread(person.write, room, "while it fails")
    assert (refused.status_code, refused.json()["code"]) == (503, code)
    assert "Retry-After" in refused.headers
    page = f"/chats/{room}/"
    fields = {"id": str(uuid4()), "body": "typed with care", "csrfmiddlewaretoken": token}
    form = await asyncio.to_thread(
        person.http.post, page, data=fields, headers={"Referer": f"{person.address}{page}"}
    )
    assert form.status_code == 503
    assert "Retry-After" in form.headers
    assert "typed with care" in form.text
    return id


async def test_a_lock_of_another_program_is_waited_for_and_then_reported_as_busy(
    start_server: ServerMaker, person_at: PersonMaker
) -> None:
    server = start_server()
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    alice.write(room, "before")
    token = alice.csrf_token(f"/chats/{room}/")
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        with locked(server.data_folder / "entre.sqlite3"):
            await hers.send(
                "message.send", ref="patient", room=room, id=str(uuid4()), body="waits for the lock"
            )
            await expect_reads_work(hers, alice, room, 1)
            assert not hers.of_type("error"), "no error at once: most locks are short"
        assert (await expect(hers, "message.accepted", ref="patient"))["seq"] == 2
        with locked(server.data_folder / "entre.sqlite3"):
            id = await expect_errors_everywhere(hers, alice, room, "busy", token)
            await expect_reads_work(hers, alice, room, 2)
        accepted = await send_until_accepted(hers, room, id, "while it fails")
        assert (accepted["seq"], accepted["duplicate"]) == (3, False)
    assert "Traceback" not in server.log()


async def test_a_full_disk_stops_writes_only(start_server: ServerMaker, person_at: PersonMaker) -> None:
    """The log is on the same disk and cannot grow either."""
    server = start_server()
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    alice.write(room, "before")
    token = alice.csrf_token(f"/chats/{room}/")
    async with open_socket(alice) as hers, open_socket(bob) as his:
        for socket in (hers, his):
            await expect(socket, "connection_established")
        assert alice.http.get("/readyz").status_code == 200
        process = server.processes[0]
        assert process is not None
        with full_disk(process.pid):
            id = await expect_errors_everywhere(hers, alice, room, "storage_full", token)
            await expect_reads_work(his, bob, room, 1)
            ready = alice.http.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["disk"]) == (503, False)
            refused = bob.api("POST", "/invites", {"note": "for carol"})
            assert (refused.status_code, refused.json()["code"]) == (503, "storage_full")
            async with open_socket(bob, f"/ws/chat/{room}/") as late:
                await expect(late, "connection_established")
        assert (await send_until_accepted(hers, room, id, "while it fails"))["seq"] == 2
        assert (await expect(his, "message.created"))["message"]["seq"] == 2
    with sqlite3.connect(server.data_folder / "entre.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert "Traceback" not in server.log()


async def test_a_full_disk_of_postgresql_is_reported_as_storage_full(
    start_server: ServerMaker, real_postgres: PostgresServer, person_at: PersonMaker
) -> None:
    url = migrated_database(real_postgres)
    name = urlsplit(url).path[1:]
    server = start_server(DATABASE_URL=url)
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    alice.write(room, "before")
    token = alice.csrf_token(f"/chats/{room}/")
    real_postgres.execute(
        "CREATE FUNCTION disk_full() RETURNS trigger AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$ LANGUAGE plpgsql",
        database=name,
    )
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        real_postgres.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON message EXECUTE FUNCTION disk_full()", database=name
        )
        id = await expect_errors_everywhere(hers, alice, room, "storage_full", token)
        await expect_reads_work(hers, alice, room, 1)
        assert alice.http.get("/readyz").json()["checks"] == {"database": True, "layer": True, "disk": False}
        real_postgres.execute("DROP TRIGGER full_disk ON message", database=name)
        assert (await send_until_accepted(hers, room, id, "while it fails"))["seq"] == 2
    assert "Traceback" not in server.log()


async def test_without_redis_messages_are_sent_and_passwords_cannot_be_guessed(
    start_server: ServerMaker,
    real_postgres: PostgresServer,
    real_redis: RedisServer,
    person_at: PersonMaker,
) -> None:
    """Guesses are counted in the cache, so without it every log-in is refused, even a correct one (F28)."""
    server = start_server(
        DATABASE_URL=migrated_database(real_postgres), REDIS_URL=real_redis.url, LIMITS="on"
    )
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    carol = person_at(server, "carol")
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        for seq, (fail, recover) in (
            (1, (partial(real_redis.stop, signal.SIGKILL), real_redis.start)),
            (3, (real_redis.freeze, real_redis.thaw)),
        ):
            carol.log_out()
            fields = {"login": "carol", "csrfmiddlewaretoken": carol.csrf_token("/accounts/login/")}
            fail()
            try:
                accepted = await send_until_accepted(hers, room, str(uuid4()), "without a cache")
                assert accepted["seq"] == seq
                assert alice.write(room, "over HTTP").status_code == 201
                assert [try_password(carol, fields, word) for word in (WRONG, RIGHT)] == [503, 503]
                assert alice.http.get("/people/").status_code == 200
                assert alice.http.get("/i/not-a-token/").status_code == 404
                ready = alice.http.get("/readyz")
                assert (ready.status_code, ready.json()["redis"]) == (200, False), (
                    "reported, but the process stays in service"
                )
            finally:
                recover()
            async with asyncio.timeout(30):
                while try_password(carol, fields, RIGHT) != 302:  # noqa: ASYNC110 (polling is the only way)
                    await asyncio.sleep(0.2)
    assert "Traceback" not in server.log().replace("channels_redis", "")


def try_password(person: Person, fields: dict[str, str], password: str) -> int:
    return person.http.post(
        "/accounts/login/",
        data={**fields, "password": password},
        headers={"Referer": f"{person.address}/accounts/login/"},
    ).status_code
