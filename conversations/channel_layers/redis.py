"""The channel layer between processes: Redis pub/sub, made to refuse nobody while Redis is away.

As its base it may lose anything; the numbers of the journal repair that (protocol.md P4, P5). However Redis is gone (refused, accepted and
closed at once, frozen, full of clients, loading, another password, no Redis at all), it costs each loop one attempt a second to listen and
one to publish, a handshake waits a bounded time, and the log gets one line.

It leans on the inside of channels_redis, which is pinned; tests/conversations/test_redis_layer.py holds it against a Redis in every such state.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import create_pool, decode_hosts
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
CONNECT_SECONDS = 2.0
"""Longest wait for a connection, and for Redis to greet it."""
ANSWER_SECONDS = 2.0
"""Longest wait for Redis to take one publication."""
SUBSCRIBE_SECONDS = 2.0
"""Longest wait of a handshake for its subscriptions."""
TRY_AGAIN_SECONDS = 1.0
"""Pause between two attempts, whatever happened to the first one."""
PING_SECONDS, PONG_SECONDS = 10.0, 5.0
"""A connection that has been silent for so long is asked, and given up when it stays silent. redis-py's own health check connects again
and again without a pause, one call inside the other, when a connection is accepted and closed at once."""
SLOW_SECONDS = 0.4
"""A publication that was cancelled after so long was cancelled because Redis did not answer."""
NAMES_AT_ONCE = 500
LISTEN, PUBLISH = "listen", "publish"


class State:
    """Whether Redis is there, of all loops of a process, so that an outage is one line in the log and its end another."""

    def __init__(self) -> None:
        self.failing: set[str] = set()

    def failed(self, kind: str, error: BaseException) -> None:
        if not self.failing:
            logger.warning(
                "Redis is away (%s); what it does not bring comes from the database", type(error).__name__
            )
        self.failing.add(kind)

    def works(self, kind: str) -> None:
        if kind not in self.failing:
            return
        # Nothing may be published for a long time: what listens speaks for both, and a publication that fails again says so.
        self.failing -= {kind} if kind == PUBLISH else {LISTEN, PUBLISH}
        if not self.failing:
            logger.warning("Redis is back")


class Shard(RedisSingleShardConnection):  # type: ignore[misc]
    """The two connections of one loop to one Redis: one that listens and one that publishes.

    Replaces all of its base but how a message is handed out. The base's receiver ends with a time-out, for good; its pool and its retries
    make attempts of their own.
    """

    def __init__(self, host: dict[str, Any], channel_layer: Any, state: State) -> None:
        super().__init__(host, channel_layer)
        self.state = state
        self.pool = create_pool({**host, "health_check_interval": 0})
        self.wanted: set[str] = set()
        self.confirmed: set[str] = set()
        self.waiters: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self.listener: Any = None
        self.publisher: Any = None
        self._receive_task: asyncio.Task[None] | None = None
        self.publish_again_at = 0.0
        self.heard_at = self.asked_at = 0.0
        self.is_away = False

    async def connect(self) -> Any:
        """One attempt, with an end. Raises RedisError, OSError (TimeoutError)."""
        connection = self.pool.make_connection()
        connection.retry = Retry(NoBackoff(), 0)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()
        except BaseException:
            await drop(connection)
            raise
        return connection

    # Publishing

    async def publish(self, channel: str, message: bytes) -> None:
        """Raises RedisError, OSError; at once, when Redis was away less than a second ago."""
        async with self._lock:
            began = time.monotonic()
            if began < self.publish_again_at:
                raise RedisAway("Redis was away a moment ago")
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.publish_now(channel, message)
            except BaseException as error:
                # A connection that owes an answer is never used again: the next question would get the answer of this one.
                publisher, self.publisher = self.publisher, None
                await drop(publisher)
                if isinstance(error, Exception) or time.monotonic() - began >= SLOW_SECONDS:
                    self.publish_again_at = time.monotonic() + TRY_AGAIN_SECONDS
                    # What does not take may not bring either; asked now, or it would be noticed much later.
                    self.heard_at = 0.0
                    self.state.failed(PUBLISH, error)
                raise
            self.state.works(PUBLISH)

    async def publish_now(self, channel: str, message: bytes) -> None:
        if self.publisher is not None:
            try:
                await ask(self.publisher, "PUBLISH", channel, message)
                return
            except (RedisAway, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise
                # Kept from before a restart of Redis: a new connection loses nothing.
                await drop(self.publisher)
                self.publisher = None
        self.publisher = await self.connect()
        await ask(self.publisher, "PUBLISH", channel, message)

    # Listening

    async def subscribe(self, channel: str) -> None:
        """Returns when Redis has confirmed it. Without it, it stays wanted, and is subscribed with the next connection.

        Raises: RedisError, when Redis is known to be away.
        """
        self.wanted.add(channel)
        if self._receive_task is None or self._receive_task.done():
            self._receive_task = asyncio.ensure_future(self._do_receiving())
        if channel in self.confirmed:
            return
        if self.is_away:
            raise RedisAway("Redis is away")
        waiter = asyncio.get_running_loop().create_future()
        self.waiters[channel].add(waiter)
        try:
            # A listener that is just being made takes all that is wanted.
            if self.listener is not None:
                await self.listener.send_command("SUBSCRIBE", channel, check_health=False)
            await waiter
        finally:
            self.waiters[channel].discard(waiter)
            if not self.waiters[channel]:
                del self.waiters[channel]

    async def unsubscribe(self, channel: str) -> None:
        """Not waited for: the answer is read by the listener. Mailboxes come here too, and were never subscribed."""
        if channel not in self.wanted:
            return
        self.wanted.discard(channel)
        self.confirmed.discard(channel)
        if self.listener is not None:
            with suppress(RedisError, OSError):
                await self.listener.send_command("UNSUBSCRIBE", channel, check_health=False)

    def doubt(self, error: BaseException) -> None:
        """A subscription was not confirmed in time: nobody else waits for this connection."""
        self.lost(error)
        self.heard_at = 0.0

    async def _do_receiving(self) -> None:
        """Never ends by itself; between two connections there is always a pause."""
        while True:
            try:
                await self.listen()
            except (RedisError, OSError) as error:
                self.lost(error)
            except Exception as error:
                self.lost(error)
                logger.exception("listening to Redis failed")
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def listen(self) -> None:
        """One connection, from its beginning to its end, which is always an error."""
        connection = await self.connect()
        try:
            self.heard_at, self.asked_at = time.monotonic(), 0.0
            # From here on new subscriptions are sent as they come; sent twice they are confirmed twice, and nothing else happens.
            self.listener = connection
            for names in chunks(tuple(self.wanted)):
                await connection.send_command("SUBSCRIBE", *names, check_health=False)
            if not self.wanted:
                await connection.send_command("PING", check_health=False)
            while True:
                response = await connection.read_response(
                    timeout=1.0, disconnect_on_error=False, push_request=True
                )
                if response is None:
                    await self.ask_if_silent(connection)
                    continue
                self.heard_at, self.asked_at = time.monotonic(), 0.0
                self.take(response)
        finally:
            self.listener = None
            self.confirmed.clear()
            await drop(connection)

    async def ask_if_silent(self, connection: Any) -> None:
        """Raises TimeoutError when the question before this one was not answered either."""
        now = time.monotonic()
        if self.asked_at:
            if now - self.asked_at >= PONG_SECONDS:
                raise TimeoutError("Redis is silent")
        elif now - self.heard_at >= PING_SECONDS:
            self.asked_at = now
            await connection.send_command("PING", check_health=False)

    def take(self, response: Any) -> None:
        self.is_away = False
        self.state.works(LISTEN)
        if not isinstance(response, list):
            return
        kind, name, *rest = response
        if kind == b"subscribe":
            self.confirm(name.decode())
        elif kind == b"message":
            try:
                self._receive_message({"channel": name, "data": rest[0]})
            except Exception:
                logger.exception("a message from Redis could not be handed out")

    def confirm(self, name: str) -> None:
        if name in self.wanted:
            self.confirmed.add(name)
        for waiter in self.waiters.get(name, ()):
            if not waiter.done():
                waiter.set_result(None)

    def lost(self, error: BaseException) -> None:
        self.is_away = True
        self.state.failed(LISTEN, error)
        for waiters in self.waiters.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(RedisAway("Redis is away"))

    async def flush(self) -> None:
        task, self._receive_task = self._receive_task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with self._lock:
            publisher, self.publisher = self.publisher, None
            await drop(publisher)
        self.wanted.clear()


async def ask(connection: Any, *words: Any) -> Any:
    await connection.send_command(*words, check_health=False)
    return await connection.read_response()


async def drop(connection: Any) -> None:
    """Close without waiting for the other end."""
    if connection is not None:
        with suppress(Exception):
            await connection.disconnect(nowait=True)


def chunks(names: Iterable[str]) -> Iterable[tuple[str, ...]]:
    rest = iter(names)
    while part := tuple(islice(rest, NAMES_AT_ONCE)):
        yield part


class LoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]
    """The layer of one event loop."""

    def __init__(self, *, state: State, **options: Any) -> None:
        super().__init__(**{**options, "hosts": None})
        self._shards: list[Shard] = [Shard(host, self, state) for host in decode_hosts(options.get("hosts"))]
        self.leaving: set[asyncio.Task[None]] = set()

    async def _subscribe_to_channel(self, channel: str) -> None:
        """A mailbox without a subscription: we write to groups only, and a handshake must not depend on Redis."""
        self.channels[channel] = asyncio.Queue()

    async def group_add(self, group: str, channel: str) -> None:
        """Never fails: a group that cannot be subscribed now is subscribed as soon as Redis is back."""
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await super().group_add(group, channel)
        except TimeoutError as error:
            self._get_shard(self._get_group_channel_name(group)).doubt(error)
        except (RedisError, OSError) as error:
            # The log was told once, by the shard.
            logger.debug("a group is subscribed later (%s)", type(error).__name__)
        except RuntimeError:
            logger.info("a socket ended before it had joined its group")

    def forget(self, channel: str, groups: Iterable[str]) -> None:
        """The channel has ended. At once on this side; Redis is told in a task, because a socket's end must not wait for the network."""
        self.channels.pop(channel, None)
        for name in map(self._get_group_channel_name, groups):
            members = self.groups.get(name, set())
            members.discard(channel)
            if name in self.groups and not members:
                del self.groups[name]
                task = asyncio.ensure_future(self.unsubscribe(name))
                self.leaving.add(task)
                task.add_done_callback(self.leaving.discard)

    async def unsubscribe(self, name: str) -> None:
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await self._get_shard(name).unsubscribe(name)
                if name in self.groups:
                    # Joined again meanwhile, while the subscription still counted as there.
                    await self._get_shard(name).subscribe(name)
        except (RedisError, OSError) as error:
            # Messages of a group without members are dropped, and what is wanted is subscribed with the next connection.
            logger.debug("leaving a group failed (%s)", type(error).__name__)


class RedisLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """What settings name; makes one LoopLayer for each event loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = State()

    def forget(self, channel: str, groups: Iterable[str]) -> None:
        self._get_layer().forget(channel, groups)

    def _get_layer(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            # Lets the base do its bookkeeping for a loop that is new, and takes the place of what it made.
            super()._get_layer()
            self._layers[loop] = LoopLayer(**self._kwargs, channel_layer=self, state=self.state)
        return self._layers[loop]
