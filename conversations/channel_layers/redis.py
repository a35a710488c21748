"""Redis channel layer: pub/sub between processes that rejects no handshake while Redis is unavailable.

Like its base it may lose anything; the numbers of the journal repair that (docs/protocol.md P4, P5). A
handshake waits a bounded time for Redis; what joins its groups later is left to `redis_connections`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from channels_redis.utils import decode_hosts
from redis.exceptions import RedisError

from conversations.channel_layers.redis_connections import RedisStatus, Shard

logger = logging.getLogger(__name__)
SUBSCRIBE_SECONDS = 2.0
"""Timeout of a handshake's subscriptions."""


class LoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]
    """The layer of one event loop."""

    def __init__(self, *, status: RedisStatus, **options: Any) -> None:
        super().__init__(**{**options, "hosts": None})
        self._shards: list[Shard] = [Shard(host, self, status) for host in decode_hosts(options.get("hosts"))]
        self.unsubscribing: set[asyncio.Task[None]] = set()

    async def _subscribe_to_channel(self, channel: str) -> None:
        """A mailbox without a subscription: we send to groups only. No handshake may depend on Redis."""
        self.channels[channel] = asyncio.Queue()

    async def group_add(self, group: str, channel: str) -> None:
        """Never fails: a group that cannot be subscribed now is subscribed when Redis is available again."""
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await super().group_add(group, channel)
        except TimeoutError as error:
            self._get_shard(self._get_group_channel_name(group)).on_unconfirmed(error)
        except (RedisError, OSError) as error:
            # The shard has logged the outage once.
            logger.debug("a group is subscribed later (%s)", type(error).__name__)
        except RuntimeError:
            logger.info("a socket ended before it had joined its group")

    def forget(self, channel: str, groups: Iterable[str]) -> None:
        """Remove an ended channel.

        The groups are left at once; a task unsubscribes from Redis, so that the end of a socket does not wait
        for the network.
        """
        self.channels.pop(channel, None)
        for name in map(self._get_group_channel_name, groups):
            members = self.groups.get(name, set())
            members.discard(channel)
            if name in self.groups and not members:
                del self.groups[name]
                task = asyncio.ensure_future(self.unsubscribe(name))
                self.unsubscribing.add(task)
                task.add_done_callback(self.unsubscribing.discard)

    async def unsubscribe(self, name: str) -> None:
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await self._get_shard(name).unsubscribe(name)
                if name in self.groups:
                    # A channel joined meanwhile, while the subscription still counted as confirmed.
                    await self._get_shard(name).subscribe(name)
        except (RedisError, OSError) as error:
            # Messages of a group without members are dropped, and the next connection subscribes what is
            # wanted.
            logger.debug("leaving a group failed (%s)", type(error).__name__)


class RedisLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """The backend that settings name; makes one LoopLayer for each event loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.status = RedisStatus()

    def forget(self, channel: str, groups: Iterable[str]) -> None:
        self._get_layer().forget(channel, groups)

    def _get_layer(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            # The base does its bookkeeping for a new loop; its layer is then replaced.
            super()._get_layer()
            self._layers[loop] = LoopLayer(**self._kwargs, channel_layer=self, status=self.status)
        return self._layers[loop]
