"""Redis connections of one event loop: a listener and a publisher, which Redis may refuse at any time.

However Redis fails (refuses, accepts and closes at once, is frozen, full of clients or loading, has another
password, or is not there), each loop tries once a second to listen and once to publish, and the log gets one
line.

It depends on internals of channels_redis, which is pinned; tests/conversations/test_redis_layer.py runs it
against a Redis in each of these states.
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

from channels_redis.pubsub import RedisSingleShardConnection
from channels_redis.utils import create_pool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisUnavailable
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
CONNECT_SECONDS = 2.0
"""Timeout of a connection attempt, including Redis's greeting."""
PUBLISH_SECONDS = 2.0
"""Timeout of one publication."""
RETRY_SECONDS = 1.0
"""Pause between two attempts, whatever happened to the first one."""
PING_SECONDS, PONG_SECONDS = 10.0, 5.0
"""A connection that was silent for this long is pinged, and closed when no reply comes. Not redis-py's own
health check: it reconnects without a pause, recursively, when a connection is accepted and closed at once."""
SLOW_SECONDS = 0.4
"""A publication that was cancelled after this long was cancelled because Redis did not reply."""
SUBSCRIBE_BATCH = 500
LISTEN, PUBLISH = "listen", "publish"


class RedisStatus:
    """Whether Redis is available, for all loops of a process: one log line for an outage, one for its end."""

    def __init__(self) -> None:
        self.failing: set[str] = set()

    def failed(self, kind: str, error: BaseException) -> None:
        if not self.failing:
            logger.warning(
                "Redis is unavailable (%s); the database replaces what it does not deliver",
                type(error).__name__,
            )
        self.failing.add(kind)

    def succeeded(self, kind: str) -> None:
        if kind not in self.failing:
            return
        # There may be nothing to publish for a long time, so a working listener clears both. A publication
        # that fails again reports that.
        self.failing -= {kind} if kind == PUBLISH else {LISTEN, PUBLISH}
        if not self.failing:
            logger.warning("Redis is available again")


class Shard(RedisSingleShardConnection):  # type: ignore[misc]
    """The two connections of one loop to one Redis: a listener and a publisher.

    Replaces all of its base but the distribution of a message. The base's receiver ends for good with a
    timeout; its pool and its retries make attempts of their own.
    """

    def __init__(self, host: dict[str, Any], channel_layer: Any, status: RedisStatus) -> None:
        super().__init__(host, channel_layer)
        self.status = status
        self.pool = create_pool({**host, "health_check_interval": 0})
        self.wanted: set[str] = set()
        self.confirmed: set[str] = set()
        self.waiters: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self.listener: Any = None
        self.publisher: Any = None
        self._receive_task: asyncio.Task[None] | None = None
        self.next_publish_at = 0.0
        self.received_at = self.pinged_at = 0.0
        self.is_unavailable = False

    async def connect(self) -> Any:
        """One attempt, with a timeout. Raises RedisError, OSError (TimeoutError)."""
        connection = self.pool.make_connection()
        connection.retry = Retry(NoBackoff(), 0)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()
        except BaseException:
            await close_at_once(connection)
            raise
        return connection

    # Publishing

    async def publish(self, channel: str, message: bytes) -> None:
        """Raises RedisError, OSError; at once, when Redis was unavailable less than a second ago."""
        async with self._lock:
            began = time.monotonic()
            if began < self.next_publish_at:
                raise RedisUnavailable("Redis was unavailable a moment ago")
            try:
                async with asyncio.timeout(PUBLISH_SECONDS):
                    await self.publish_now(channel, message)
            except BaseException as error:
                # Never reuse a connection that owes a reply: the next command would read the reply to this
                # one.
                publisher, self.publisher = self.publisher, None
                await close_at_once(publisher)
                if isinstance(error, Exception) or time.monotonic() - began >= SLOW_SECONDS:
                    self.next_publish_at = time.monotonic() + RETRY_SECONDS
                    # A Redis that accepts nothing may deliver nothing either. Ping the listener now, not much
                    # later.
                    self.received_at = 0.0
                    self.status.failed(PUBLISH, error)
                raise
            self.status.succeeded(PUBLISH)

    async def publish_now(self, channel: str, message: bytes) -> None:
        if self.publisher is not None:
            try:
                await execute(self.publisher, "PUBLISH", channel, message)
                return
            except (RedisUnavailable, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise
                # The connection is from before a restart of Redis; a new one loses nothing.
                await close_at_once(self.publisher)
                self.publisher = None
        self.publisher = await self.connect()
        await execute(self.publisher, "PUBLISH", channel, message)

    # Listening

    async def subscribe(self, channel: str) -> None:
        """Returns when Redis has confirmed it.

        Otherwise it stays wanted, and the next connection subscribes it.

        Raises: RedisError, when Redis is known to be unavailable.
        """
        self.wanted.add(channel)
        if self._receive_task is None or self._receive_task.done():
            self._receive_task = asyncio.ensure_future(self._do_receiving())
        if channel in self.confirmed:
            return
        if self.is_unavailable:
            raise RedisUnavailable("Redis is unavailable")
        waiter = asyncio.get_running_loop().create_future()
        self.waiters[channel].add(waiter)
        try:
            # A listener that is connecting subscribes all that is wanted.
            if self.listener is not None:
                await self.listener.send_command("SUBSCRIBE", channel, check_health=False)
            await waiter
        finally:
            self.waiters[channel].discard(waiter)
            if not self.waiters[channel]:
                del self.waiters[channel]

    async def unsubscribe(self, channel: str) -> None:
        """Not awaited: the listener reads the reply.

        Also called for mailboxes, which were never subscribed.
        """
        if channel not in self.wanted:
            return
        self.wanted.discard(channel)
        self.confirmed.discard(channel)
        if self.listener is not None:
            with suppress(RedisError, OSError):
                await self.listener.send_command("UNSUBSCRIBE", channel, check_health=False)

    def on_unconfirmed(self, error: BaseException) -> None:
        """A subscription was not confirmed in time: no other handshake waits for this connection."""
        self.on_lost(error)
        self.received_at = 0.0

    async def _do_receiving(self) -> None:
        """Never ends by itself; there is always a pause between two connections."""
        while True:
            try:
                await self.listen()
            except (RedisError, OSError) as error:
                self.on_lost(error)
            except Exception as error:
                self.on_lost(error)
                logger.exception("listening to Redis failed")
            await asyncio.sleep(RETRY_SECONDS)

    async def listen(self) -> None:
        """One connection until it ends, always by an error."""
        connection = await self.connect()
        try:
            self.received_at, self.pinged_at = time.monotonic(), 0.0
            # From here on new subscriptions are sent at once. One that is sent twice is confirmed twice,
            # without other effect.
            self.listener = connection
            for names in batches(tuple(self.wanted)):
                await connection.send_command("SUBSCRIBE", *names, check_health=False)
            if not self.wanted:
                await connection.send_command("PING", check_health=False)
            while True:
                response = await connection.read_response(
                    timeout=1.0, disconnect_on_error=False, push_request=True
                )
                if response is None:
                    await self.ping_if_silent(connection)
                    continue
                self.received_at, self.pinged_at = time.monotonic(), 0.0
                self.handle(response)
        finally:
            self.listener = None
            self.confirmed.clear()
            await close_at_once(connection)

    async def ping_if_silent(self, connection: Any) -> None:
        """Raises TimeoutError when the last ping was not answered."""
        now = time.monotonic()
        if self.pinged_at:
            if now - self.pinged_at >= PONG_SECONDS:
                raise TimeoutError("Redis is silent")
        elif now - self.received_at >= PING_SECONDS:
            self.pinged_at = now
            await connection.send_command("PING", check_health=False)

    def handle(self, response: Any) -> None:
        self.is_unavailable = False
        self.status.succeeded(LISTEN)
        if not isinstance(response, list):
            return
        kind, name, *rest = response
        if kind == b"subscribe":
            self.confirm(name.decode())
        elif kind == b"message":
            try:
                self._receive_message({"channel": name, "data": rest[0]})
            except Exception:
                logger.exception("a message from Redis could not be distributed")

    def confirm(self, name: str) -> None:
        if name in self.wanted:
            self.confirmed.add(name)
        for waiter in self.waiters.get(name, ()):
            if not waiter.done():
                waiter.set_result(None)

    def on_lost(self, error: BaseException) -> None:
        self.is_unavailable = True
        self.status.failed(LISTEN, error)
        for waiters in self.waiters.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(RedisUnavailable("Redis is unavailable"))

    async def flush(self) -> None:
        task, self._receive_task = self._receive_task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with self._lock:
            publisher, self.publisher = self.publisher, None
            await close_at_once(publisher)
        self.wanted.clear()


async def execute(connection: Any, *words: Any) -> Any:
    await connection.send_command(*words, check_health=False)
    return await connection.read_response()


async def close_at_once(connection: Any) -> None:
    """Close without waiting for the other end."""
    if connection is not None:
        with suppress(Exception):
            await connection.disconnect(nowait=True)


def batches(names: Iterable[str]) -> Iterable[tuple[str, ...]]:
    rest = iter(names)
    while part := tuple(islice(rest, SUBSCRIBE_BATCH)):
        yield part
