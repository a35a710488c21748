"""Redis channel layer against a real Redis: no outage rejects a socket, and delivery resumes after it."""

import asyncio
import logging
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from redis.exceptions import RedisError

from conversations.channel_layers import redis as redis_layer
from conversations.channel_layers import redis_connections
from conversations.channel_layers.redis import RedisLayer
from tests.rig.faulty_redis import SHAPES, FaultyRedis
from tests.rig.redis_server import RedisServer
from tools.faults.proxy import BACK, FORWARD, Proxy, Target

MESSAGE = {"type": "frame.push", "text": "hello"}


class LogReader(logging.Handler):
    """A queue of the lines as they are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(self.format(record))

    async def next(self) -> str:
        async with asyncio.timeout(20):
            return await self.lines.get()


@pytest.fixture
def log() -> Iterator[LogReader]:
    reader = LogReader()
    redis_connections.logger.addHandler(reader)
    yield reader
    redis_connections.logger.removeHandler(reader)


@pytest.fixture
async def layer(real_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisLayer]:
    monkeypatch.setattr(redis_layer, "SUBSCRIBE_SECONDS", 0.2)
    layer = RedisLayer(hosts=[{"address": real_redis.url}], prefix="entre")
    yield layer
    if real_redis.process and real_redis.process.poll() is None:
        await layer.flush()


async def heard(layer: RedisLayer, channel: str, group: str) -> None:
    """Send to the group until the channel receives it: subscribing takes its time."""
    receiving = asyncio.ensure_future(layer.receive(channel))
    async with asyncio.timeout(20):
        while not receiving.done():
            with suppress(RedisError, OSError):
                await layer.group_send(group, MESSAGE)
            await asyncio.wait([receiving], timeout=0.05)
    assert receiving.result() == MESSAGE


async def test_a_message_to_a_group_reaches_its_members(layer: RedisLayer) -> None:
    alice, mallory = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("user.1", alice)
    await heard(layer, alice, "user.1")
    assert layer.channels[mallory].empty()


async def test_a_socket_costs_redis_no_subscription_of_its_own(
    layer: RedisLayer, real_redis: RedisServer
) -> None:
    for _ in range(5):
        await layer.group_add("user.1", await layer.new_channel())
    with real_redis.client() as client:
        assert client.pubsub_channels() == ["entre__group__user.1"]


async def test_a_socket_that_connects_while_redis_is_dead_is_accepted_and_subscribed_later(
    layer: RedisLayer, real_redis: RedisServer
) -> None:
    real_redis.stop(signal.SIGKILL)
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    await layer.group_add("user.1", await layer.new_channel())
    real_redis.start()
    await heard(layer, alice, "user.1")


async def test_a_socket_that_connects_while_redis_is_frozen_is_accepted(
    layer: RedisLayer, real_redis: RedisServer
) -> None:
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    real_redis.freeze()
    async with asyncio.timeout(5):
        bob = await layer.new_channel()
        await layer.group_add("user.2", bob)
    real_redis.thaw()
    await heard(layer, bob, "user.2")


async def test_only_the_first_socket_waits_for_a_frozen_redis(
    layer: RedisLayer, real_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    real_redis.freeze()
    await layer.group_add("user.2", alice)
    monkeypatch.setattr(redis_layer, "SUBSCRIBE_SECONDS", 600)
    async with asyncio.timeout(5):
        for number in range(3, 50):
            await layer.group_add(f"user.{number}", alice)
    real_redis.thaw()


async def test_a_channel_that_has_left_is_not_subscribed(layer: RedisLayer, real_redis: RedisServer) -> None:
    real_redis.stop(signal.SIGKILL)
    alice, bob = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("user.1", alice)
    await layer.group_add("user.2", bob)
    await layer.group_discard("user.1", alice)
    real_redis.start()
    await heard(layer, bob, "user.2")
    with real_redis.client() as client:
        assert client.pubsub_channels() == ["entre__group__user.2"]


async def test_a_silently_dead_connection_is_found_and_replaced(
    layer: RedisLayer, real_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a firewall that drops an idle connection: no FIN, no RST, and the other connections live."""
    monkeypatch.setattr(redis_connections, "PING_SECONDS", 0.05)
    monkeypatch.setattr(redis_connections, "PONG_SECONDS", 0.05)
    async with Proxy([Target(path=real_redis.socket)]) as way:
        layer = RedisLayer(hosts=[{"address": f"redis://127.0.0.1:{way.port}"}], prefix="entre")
        alice = await layer.new_channel()
        await layer.group_add("user.1", alice)
        await heard(layer, alice, "user.1")
        dead = set(way.connections)
        for line in dead:
            line.freeze(frozenset({FORWARD, BACK}))
        await heard(layer, alice, "user.1")
        await layer.flush()


@pytest.mark.parametrize("shape", SHAPES)
async def test_in_every_outage_redis_is_tried_once_a_pause_and_no_socket_waits(
    shape: str, log: LogReader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One attempt to listen and one to publish per pause, one log line, no waiting handshake, nothing left
    behind."""
    for name in ("CONNECT_SECONDS", "PUBLISH_SECONDS"):
        monkeypatch.setattr(redis_connections, name, 0.3)
    monkeypatch.setattr(redis_layer, "SUBSCRIBE_SECONDS", 0.3)
    monkeypatch.setattr(redis_connections, "RETRY_SECONDS", 0.2)
    began = time.monotonic()
    async with FaultyRedis(shape) as gone:
        layer = RedisLayer(hosts=[{"address": gone.url, "health_check_interval": 0.01}], prefix="entre")
        async with asyncio.timeout(20):
            for number in range(60):
                alice = await layer.new_channel()
                await layer.group_add(f"user.{number}", alice)
                with suppress(RedisError, OSError):
                    await layer.group_send(f"user.{number}", MESSAGE)
            until = time.monotonic() + 1
            while time.monotonic() < until:
                with suppress(RedisError, OSError):
                    await layer.group_send("user.1", MESSAGE)
                await asyncio.sleep(0)
    assert gone.attempts <= 2 * (1 + (time.monotonic() - began) / 0.2)
    await layer.flush()
    assert (await log.next()).startswith("Redis is unavailable (")
    assert log.lines.empty()
    assert "destroyed" not in caplog.text


async def test_an_outage_is_one_log_line_and_its_end_another(
    layer: RedisLayer, real_redis: RedisServer, log: LogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_connections, "RETRY_SECONDS", 0.05)
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    await heard(layer, alice, "user.1")
    real_redis.stop(signal.SIGKILL)
    # A busy machine may notice by a timeout.
    assert re.fullmatch(
        r"Redis is unavailable \((ConnectionError|TimeoutError)\);"
        r" the database replaces what it does not deliver",
        await log.next(),
    )
    for _ in range(5):
        with pytest.raises(RedisError):
            await layer.group_send("user.1", MESSAGE)
    real_redis.start()
    assert await log.next() == "Redis is available again"


async def test_an_unreadable_message_does_not_end_the_listener(
    layer: RedisLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a timeout: either would end the receiver of the base for good."""
    monkeypatch.setattr(redis_connections, "RETRY_SECONDS", 0.05)
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    troubles: list[Exception] = [TimeoutError(), ValueError()]
    receive = redis_connections.Shard._receive_message

    def receive_badly(shard: redis_connections.Shard, message: object) -> None:
        if troubles:
            raise troubles.pop()
        receive(shard, message)

    monkeypatch.setattr(redis_connections.Shard, "_receive_message", receive_badly)
    await heard(layer, alice, "user.1")
    assert troubles == []
