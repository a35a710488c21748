"""The service's settings with a layer that loses every second publication: DJANGO_SETTINGS_MODULE=tests.rig.lossy.

Both layers of the product, in the hands of a careless postman. What is lost must be found again by numbers alone (protocol.md P4, P5).
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from conversations.channel_layers.local import LocalChannelLayer
from conversations.channel_layers.redis import RedisLayer
from dm_project.settings import *  # noqa: F403
from dm_project.settings import CHANNEL_LAYERS, REDIS_URL


class Carelessness:
    """Every second letter of each group gets lost: nobody has luck, nobody is spared."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def loses(self, group: str) -> bool:
        self.seen[group] += 1
        return self.seen[group] % 2 == 0


class LossyLocalLayer(LocalChannelLayer):
    """Within one process."""

    careless = Carelessness()

    def send_to_groups(self, letters: Iterable[tuple[str, dict[str, Any]]]) -> None:
        super().send_to_groups([letter for letter in letters if not self.careless.loses(letter[0])])


class LossyRedisLayer(RedisLayer):
    """Between processes. Loses probes of new sockets, too: they are tried again until one comes back."""

    careless = Carelessness()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if not self.careless.loses(group):
            # Not `super()`: the base hands this to the layer of the running loop by `__getattr__`, which `super()` does not ask.
            await self._get_layer().group_send(group, message)


CHANNEL_LAYERS["default"]["BACKEND"] = (
    f"tests.rig.lossy.{'LossyRedisLayer' if REDIS_URL else 'LossyLocalLayer'}"
)
