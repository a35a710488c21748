"""Presence between two processes; a killed one leaves nothing behind for long."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.conftest import ServerMaker
from tests.rig.daphne_server import EntreServer, migrated_database
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer
from tests.rig.redis_server import RedisServer
from tests.sockets import Socket, expect, expect_silence, open_socket

Newcomer = Callable[..., Person]


@pytest.fixture
def service(start_server: ServerMaker, real_postgres: PostgresServer, real_redis: RedisServer) -> EntreServer:
    return start_server(
        processes=2,
        DATABASE_URL=migrated_database(real_postgres),
        REDIS_URL=real_redis.url,
        AWAY_AFTER_MS="500",
    )


async def visible(socket: Socket) -> None:
    await expect(socket, "connection_established")
    await socket.send("ping", visible=True)
    await expect(socket, "pong")


async def test_presence_and_typing_pass_between_two_processes(
    service: EntreServer, person_at: Newcomer
) -> None:
    mark = uuid4().hex[:6]
    alice, bob, mallory = (
        person_at(service, f"{name}{mark}", process=process)
        for name, process in (("alice", 0), ("bob", 1), ("mallory", 1))
    )
    room = alice.open_chat_with(bob)
    assert bob.open_chat_with(alice) == room
    async with open_socket(bob) as his, open_socket(mallory) as stranger:
        await expect(his, "connection_established")
        await his.send("room.open", room=room)
        assert not (await expect(his, "presence"))["online"]
        await expect(stranger, "connection_established")
        await stranger.send("room.open", ref="1", room=room)
        await expect(stranger, "error", ref="1", code="not_found")

        async with open_socket(alice) as hers:
            await visible(hers)
            assert (await expect(his, "presence", online=True))["ttl_ms"] <= 45_000
            await hers.send("typing.set", room=room, on=True)
            await expect(his, "typing", on=True, room=room)
            with alice.at(service.address_of(1)) as elsewhere:
                async with open_socket(elsewhere) as her_phone:
                    await visible(her_phone)
                    await expect(his, "presence", online=True)
            # One of the two processes was killed; the other one still holds its lease.
            still = await expect(his, "presence")
            assert still["online"]
        gone = await expect(his, "presence", online=False)
        assert "last_seen" in gone
        await expect_silence(stranger, "presence", "typing")
