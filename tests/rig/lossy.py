"""Settings with a channel layer that drops every second message: DJANGO_SETTINGS_MODULE=tests.rig.lossy.

For both layers. Clients must recover lost messages by numbers alone (docs/protocol.md P4, P5).
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from conversations.channel_layers.local import LocalChannelLayer
from conversations.channel_layers.redis import RedisLayer
from dm_project.settings import *  # noqa: F403
from dm_project.settings import CHANNEL_LAYERS, REDIS_URL


class DropEverySecond:
    """Drops every second message of each group."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def drops(self, group: str) -> bool:
        self.sent[group] += 1
        return self.sent[group] % 2 == 0


class LossyLocalLayer(LocalChannelLayer):
    """Within one process."""

    loss = DropEverySecond()

    def send_to_groups(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        super().send_to_groups([message for message in messages if not self.loss.drops(message[0])])


class LossyRedisLayer(RedisLayer):
    """Between processes. Also drops the probes of new sockets, which are retried until one arrives."""

    loss = DropEverySecond()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if not self.loss.drops(group):
            # Not `super()`: the base delegates to the layer of the running loop by `__getattr__`, which
            # `super()` bypasses.
            await self._get_layer().group_send(group, message)


CHANNEL_LAYERS["default"]["BACKEND"] = (
    f"tests.rig.lossy.{'LossyRedisLayer' if REDIS_URL else 'LossyLocalLayer'}"
)
