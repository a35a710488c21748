"""The channel layer between processes: Redis pub/sub, made to refuse nobody while Redis is away.

As its base it may lose anything; the numbers of the journal repair that (protocol.md P4, P5). It leans on the inside of channels_redis,
which is pinned; tests/conversations/test_redis_layer.py holds it against a real Redis that dies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import decode_hosts
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
SUBSCRIBE_SECONDS = 2.0
"""Longest wait of a handshake for Redis, and the pause before the next try."""
LISTEN_AGAIN_SECONDS = 1.0


class Shard(RedisSingleShardConnection):  # type: ignore[misc]
    """The connection to one Redis. Its receiver never ends: that of the base does with a time-out, and the process would be deaf from then on.

    And it says once that Redis is away, where the base writes a traceback a second.
    """

    async def _do_receiving(self) -> None:
        is_away = False
        while True:
            try:
                if self._pubsub is None or not self._pubsub.subscribed:
                    await asyncio.sleep(0.1)
                    continue
                message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
                if is_away:
                    is_away = False
                    logger.warning("Redis is back")
                self._receive_message(message)
            except (RedisError, OSError, RuntimeError) as error:
                # RuntimeError: a subscription of the same moment makes the broken connection anew while it is read here.
                if not is_away:
                    is_away = True
                    logger.warning("Redis is away (%s); what it does not bring comes from the database", type(error).__name__)
                await asyncio.sleep(LISTEN_AGAIN_SECONDS)
            except Exception:
                logger.exception("a letter from Redis could not be taken")
                await asyncio.sleep(LISTEN_AGAIN_SECONDS)


class LoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]
    """The layer of one event loop."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._shards: list[Shard] = [Shard(host, self) for host in decode_hosts(options.get("hosts"))]
        self.late: dict[str, asyncio.Task[None]] = {}
        self.leaving: set[asyncio.Task[None]] = set()

    async def _subscribe_to_channel(self, channel: str) -> None:
        """A mailbox without a subscription: we write to groups only, and a handshake must not depend on Redis."""
        self.channels[channel] = asyncio.Queue()

    async def group_add(self, group: str, channel: str) -> None:
        """Never fails: a group that cannot be subscribed now is subscribed as soon as Redis is back."""
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await super().group_add(group, channel)
        except Exception as error:
            name = self._get_group_channel_name(group)
            logger.warning("Redis is away (%s); a group is subscribed later", type(error).__name__)
            if name not in self.late:
                self.late[name] = asyncio.ensure_future(self.subscribe_later(name))

    async def subscribe_later(self, name: str) -> None:
        try:
            while name in self.groups:
                await asyncio.sleep(SUBSCRIBE_SECONDS)
                try:
                    await self._get_shard(name).subscribe(name)
                except Exception as error:
                    logger.info("Redis is still away (%s)", type(error).__name__)
                else:
                    return
        finally:
            del self.late[name]

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
        except Exception as error:
            # Messages of a group without members are dropped.
            logger.info("leaving a group failed (%s)", type(error).__name__)


class RedisLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """What settings name; makes one LoopLayer for each event loop."""

    def forget(self, channel: str, groups: Iterable[str]) -> None:
        self._get_layer().forget(channel, groups)

    def _get_layer(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            # Lets the base do its bookkeeping for a loop that is new, and takes the place of what it made.
            super()._get_layer()
            self._layers[loop] = LoopLayer(**self._kwargs, channel_layer=self)
        return self._layers[loop]
