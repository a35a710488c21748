"""PostgreSQL stops, crashes or freezes while users chat: sockets stay open and clients retry."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from tests.conftest import ServerMaker
from tests.live.test_vanishing import is_alive, send_until_accepted
from tests.rig.daphne_server import EntreServer, migrated_database
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer
from tests.sockets import Socket, expect, open_socket

Newcomer = Callable[..., Person]


def is_calm(server: EntreServer) -> None:
    """No unexpected error was logged."""
    assert "Traceback" not in server.log()
    assert "into the dark" not in server.log()


async def is_told_to_try_again(socket: Socket, room: str) -> None:
    """A send and a query, both."""
    id = str(uuid4())
    await socket.send("message.send", ref="send", room=room, id=id, body="into the dark")
    await socket.send("sync", ref="ask", rooms={room: 0})
    for ref in ("send", "ask"):
        error = await expect(socket, "error", ref=ref)
        assert (error["code"], error["retryable"]) == ("busy", True)
        assert error["retry_after_ms"] > 0
    await is_alive(socket)


async def test_a_stopped_postgres_is_reported_and_found_again(
    start_server: ServerMaker, own_postgres: PostgresServer, person_at: Newcomer
) -> None:
    server = start_server(DATABASE_URL=migrated_database(own_postgres))
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    alice.write(room, "before")
    async with open_socket(alice) as hers, open_socket(bob, f"/ws/chat/{room}/") as his:
        for socket in (hers, his):
            await expect(socket, "connection_established")
        for number, how in ((2, "fast"), (3, "immediate"), (4, "fast")):
            # More than one connection: all are dead afterwards, and none may fail a request.
            await asyncio.gather(*[asyncio.to_thread(alice.api, "GET", "/conversations") for _ in range(6)])
            await asyncio.to_thread(own_postgres.stop, how)
            for socket in (hers, his):
                await is_told_to_try_again(socket, room)
            refused = alice.api("GET", "/me")
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
            assert "Retry-After" in refused.headers
            page = alice.http.get("/chats/")
            assert page.status_code == 503
            assert "Retry-After" in page.headers
            await asyncio.to_thread(own_postgres.start)
            assert (await send_until_accepted(hers, room, str(uuid4()), f"message {number}"))["seq"] == number
            while (await expect(his, "message.created"))["message"]["seq"] < number:
                pass
            await his.send("sync", rooms={room: 0})
            assert (await expect(his, "sync.page"))["version"] == number
            assert {alice.api("GET", "/me").status_code for _ in range(8)} == {200}
    is_calm(server)


async def test_a_frozen_postgres_holds_no_request_for_ever(
    start_server: ServerMaker, own_postgres: PostgresServer, person_at: Newcomer
) -> None:
    """It keeps its connections and answers nothing: only a timeout of our own ends the wait."""
    server = start_server(DATABASE_URL=migrated_database(own_postgres))
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        assert (await send_until_accepted(hers, room, str(uuid4()), "before"))["seq"] == 1
        own_postgres.freeze()
        try:
            await is_told_to_try_again(hers, room)
            assert alice.api("GET", "/me").status_code == 503
        finally:
            own_postgres.thaw()
        assert (await send_until_accepted(hers, room, str(uuid4()), "after"))["seq"] == 2
        await hers.send("sync", rooms={room: 0})
        assert [message["body"] for message in (await expect(hers, "sync.page"))["messages"]] == [
            "before",
            "after",
        ]
    is_calm(server)


async def test_the_first_request_after_a_restart_is_answered(
    start_server: ServerMaker, own_postgres: PostgresServer, person_at: Newcomer
) -> None:
    """No client was connected meanwhile, so no poller ran, and every kept connection is dead."""
    server = start_server(DATABASE_URL=migrated_database(own_postgres))
    alice = person_at(server, "alice")
    await asyncio.gather(*[asyncio.to_thread(alice.api, "GET", "/conversations") for _ in range(6)])
    for how, pause in (("fast", 0), ("immediate", 6), ("fast", 6), ("immediate", 0)):
        await asyncio.to_thread(own_postgres.stop, how)
        await asyncio.sleep(pause)
        await asyncio.to_thread(own_postgres.start)
        assert (await asyncio.to_thread(alice.api, "GET", "/me")).status_code == 200
        carol = person_at(server, f"carol_{how}_{pause}", signed_up=False)
        assert (await asyncio.to_thread(carol.sign_up)).status_code in {302, 303}
    is_calm(server)
