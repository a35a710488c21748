"""The whole service in this process, step by step: gate, consumers, the journal's own thread, and a channel layer that obeys the test.

Between two steps nothing moves, so what a rule saw it sees again when Hypothesis makes the example small.
"""

import asyncio
import json
import random
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from channels.layers import channel_layers

from conversations.channel_layers.local import LocalChannelLayer
from conversations.delivery import to_users
from conversations.journal.writer import writer
from tests.rules.phone import FENCE

T = TypeVar("T")
LayerMessage = tuple[str, dict[str, Any]]

CALM, LOSSY, DOUBLING, SHUFFLING, STORMY, SILENT, SLOW = WEATHERS = (
    "calm",
    "lossy",
    "doubling",
    "shuffling",
    "stormy",
    "silent",
    "slow",
)


class WeatherLayer(LocalChannelLayer):
    """Keeps every push until it is released, and then loses, doubles and shuffles as the weather is. Ends of sessions pass at once."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[LayerMessage] = []
        self.weather = CALM
        self.dice = random.Random(0)

    def send_to_groups(self, letters: Iterable[LayerMessage]) -> None:
        letters = list(letters)
        # From the journal's thread as well: `extend` is one step of the interpreter.
        self.held.extend(letter for letter in letters if letter[1]["type"] == "frame.push")
        super().send_to_groups([letter for letter in letters if letter[1]["type"] != "frame.push"])

    def release(self, fences: list[LayerMessage]) -> None:
        """Let go of what is due, and of the fences after it."""
        super().send_to_groups([*self.due(), *fences])

    def due(self) -> list[LayerMessage]:
        if self.weather == SLOW:
            return []
        parcels, self.held = self.held, []
        if self.weather == SILENT:
            return []
        if self.weather in {LOSSY, STORMY}:
            parcels = [parcel for parcel in parcels if self.dice.random() < 0.6]
        if self.weather in {DOUBLING, STORMY}:
            parcels = [parcel for parcel in parcels for _ in range(self.dice.choice((1, 2, 3)))]
        if self.weather in {SHUFFLING, STORMY}:
            self.dice.shuffle(parcels)
        return parcels


class Stack:
    """An event loop that runs only while a step waits for it. Use `close()`."""

    def __init__(self) -> None:
        self.layer = WeatherLayer()
        self.usual_layer = channel_layers.backends.get("default")
        channel_layers.set("default", self.layer)
        self.runner = asyncio.Runner()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def written(self) -> None:
        """The journal has answered and published all it was given."""
        while writer.waiting or writer.is_writing:  # noqa: ASYNC110 - another thread's books
            await asyncio.sleep(0)

    def release(self, room: str, user_ids: Iterable[int]) -> None:
        """What is due goes out, and a fence after it to every socket of these people."""
        text = json.dumps({"type": FENCE})
        self.layer.release(
            [(letter.group, letter.as_layer_message()) for letter in to_users(user_ids, room, text)]
        )

    def close(self) -> None:
        self.runner.close()
        channel_layers.backends.pop("default", None)
        if self.usual_layer is not None:
            channel_layers.set("default", self.usual_layer)
