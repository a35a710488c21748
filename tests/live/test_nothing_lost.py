"""Nothing is lost: bursts from several devices over a layer that drops half of its messages."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from tests.conftest import ServerMaker
from tests.devices import Device
from tests.rig.daphne_server import EntreServer, migrated_database
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer
from tests.rig.redis_server import RedisServer
from tests.sockets import open_socket

Newcomer = Callable[..., Person]
MESSAGES, BURST = 1_000, 25
TIMEOUT_S = 60


@pytest.fixture(params=["one process, local layer", "two processes, Redis"])
def lossy_server(request: pytest.FixtureRequest, start_server: ServerMaker) -> EntreServer:
    values = {"DJANGO_SETTINGS_MODULE": "tests.rig.lossy", "LIMITS": "off", "HEADS_EVERY_MS": "300"}
    if "Redis" not in request.param:
        return start_server(**values)
    postgres: PostgresServer = request.getfixturevalue("real_postgres")
    redis: RedisServer = request.getfixturevalue("real_redis")
    return start_server(processes=2, DATABASE_URL=migrated_database(postgres), REDIS_URL=redis.url, **values)


async def test_a_thousand_messages_over_four_sockets_end_the_same_everywhere(
    lossy_server: EntreServer, person_at: Newcomer
) -> None:
    """Alice and Bob write in bursts, each from two devices; every second publication is dropped."""
    alice, bob = (
        person_at(lossy_server, "alice"),
        person_at(lossy_server, "bob", process=len(lossy_server.ports) - 1),
    )
    room = alice.open_chat_with(bob)
    assert bob.open_chat_with(alice) == room
    async with AsyncExitStack() as stack:
        devices = [
            Device(await stack.enter_async_context(open_socket(person, path)), room)
            for person in (alice, bob)
            for path in ("/ws/", f"/ws/chat/{room}/")
        ]
        await asyncio.gather(*[device.wait_for_greeting() for device in devices])
        mine = MESSAGES // len(devices)

        async def talk(number: int, device: Device) -> None:
            for first in range(0, mine, BURST):
                for count in range(first, first + BURST):
                    await device.send(f"{number}/{count}")
                await device.listen_until(0, acks=first + BURST)
            await device.listen_until(MESSAGES, acks=mine)

        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.gather(*[talk(number, device) for number, device in enumerate(devices)])

    first = devices[0].shown()
    assert [seq for seq, *_ in first] == list(range(1, MESSAGES + 1))
    assert [device.shown() for device in devices[1:]] == [first] * 3
    for number, device in enumerate(devices):
        assert [body for _, id, _, body in first if id in device.accepted] == [
            f"{number}/{count}" for count in range(mine)
        ]
        assert all(device.messages[seq]["id"] == id for id, seq in device.accepted.items()), (
            "what was acknowledged stands where it was said"
        )
        assert device.pushed < MESSAGES * 0.8, "the layer lost what it should"
    newest = alice.api("GET", f"/conversations/{room}/messages?limit=100").json()
    assert [message["id"] for message in newest["items"]] == [id for _, id, _, _ in first[-100:]]
    assert newest["version"] == MESSAGES
    for process in range(len(lossy_server.ports)):
        assert "Traceback" not in lossy_server.log(process)
