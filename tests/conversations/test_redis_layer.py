"""The layer between processes against a real Redis: it refuses nobody while Redis is away, and hears again when it is back."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.exceptions import RedisError

from conversations import redis_layer
from conversations.redis_layer import RedisLayer
from tests.rig.redis_server import RedisServer

LETTER = {"type": "frame.push", "text": "hello"}


@pytest.fixture
async def layer(real_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisLayer]:
    monkeypatch.setattr(redis_layer, "SUBSCRIBE_SECONDS", 0.2)
    layer = RedisLayer(hosts=[{"address": real_redis.url}], prefix="entre")
    yield layer
    if real_redis.process and real_redis.process.poll() is None:
        await layer.flush()


async def heard(layer: RedisLayer, channel: str, group: str) -> None:
    """Send to the group until the channel hears it: subscribing takes its time."""
    hearing = asyncio.ensure_future(layer.receive(channel))
    async with asyncio.timeout(20):
        while not hearing.done():
            await layer.group_send(group, LETTER)
            await asyncio.wait([hearing], timeout=0.05)
    assert hearing.result() == LETTER


async def test_a_letter_to_a_group_reaches_its_members(layer: RedisLayer) -> None:
    alice, mallory = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("user.1", alice)
    await heard(layer, alice, "user.1")
    assert layer.channels[mallory].empty()


async def test_a_socket_costs_redis_no_subscription_of_its_own(layer: RedisLayer, real_redis: RedisServer) -> None:
    for _ in range(5):
        await layer.group_add("user.1", await layer.new_channel())
    with real_redis.client() as client:
        assert client.pubsub_channels() == ["entre__group__user.1"]


async def test_who_comes_while_redis_is_dead_is_let_in_and_hears_later(layer: RedisLayer, real_redis: RedisServer) -> None:
    real_redis.stop(signal.SIGKILL)
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    await layer.group_add("user.1", await layer.new_channel())
    assert len(layer.late) == 1, "one repair for a group, however many wait"
    real_redis.start()
    await asyncio.gather(*layer.late.values())
    await heard(layer, alice, "user.1")
    assert layer.late == {}


async def test_who_comes_while_redis_is_frozen_is_let_in(layer: RedisLayer, real_redis: RedisServer) -> None:
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    real_redis.freeze()
    async with asyncio.timeout(5):
        bob = await layer.new_channel()
        await layer.group_add("user.2", bob)
    real_redis.thaw()
    await asyncio.gather(*layer.late.values())
    await heard(layer, bob, "user.2")


async def test_nobody_is_waited_for_who_has_left(layer: RedisLayer, real_redis: RedisServer) -> None:
    real_redis.stop(signal.SIGKILL)
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    await layer.group_discard("user.1", alice)
    async with asyncio.timeout(5):
        await asyncio.gather(*layer.late.values())


class LogReader(logging.Handler):
    """Hands on every line that is written, as it is written."""

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
    redis_layer.logger.addHandler(reader)
    yield reader
    redis_layer.logger.removeHandler(reader)


async def test_an_outage_is_one_line_of_the_log_and_the_way_back_another(
    layer: RedisLayer, real_redis: RedisServer, log: LogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_layer, "LISTEN_AGAIN_SECONDS", 0.05)
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    await heard(layer, alice, "user.1")
    real_redis.stop(signal.SIGKILL)
    assert await log.next() == "Redis is away (ConnectionError); what it does not bring comes from the database"
    for _ in range(5):
        with pytest.raises(RedisError):
            await layer.group_send("user.1", LETTER)
    real_redis.start()
    assert await log.next() == "Redis is back"


async def test_a_letter_that_cannot_be_read_does_not_make_the_process_deaf(layer: RedisLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a time-out: either would end the receiver of the base for good."""
    monkeypatch.setattr(redis_layer, "LISTEN_AGAIN_SECONDS", 0.05)
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    troubles: list[Exception] = [TimeoutError(), ValueError()]
    receive = redis_layer.Shard._receive_message

    def receive_badly(shard: redis_layer.Shard, message: object) -> None:
        if troubles:
            raise troubles.pop()
        receive(shard, message)

    monkeypatch.setattr(redis_layer.Shard, "_receive_message", receive_badly)
    await heard(layer, alice, "user.1")
    assert troubles == []
