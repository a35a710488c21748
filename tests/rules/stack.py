"""The service in this process, step by step, with a controlled channel layer.

Nothing runs between two steps, so a rule sees the same again when Hypothesis shrinks the example.
"""

import asyncio
import json
import random
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeVar

from channels.layers import channel_layers

from conversations.channel_layers.local import LocalChannelLayer
from conversations.delivery import to_users
from conversations.journal import unit_of_work
from conversations.journal.writer import writer
from conversations.services.row_pushes import row_pushes
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
    """Holds every push until it is released, then loses, doubles and shuffles by the weather.

    The rest passes at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: list[LayerMessage] = []
        self.weather = CALM
        self.dice = random.Random(0)

    def send_to_groups(self, messages: Iterable[LayerMessage]) -> None:
        messages = list(messages)
        # From the journal's thread as well: `extend` is one step of the interpreter.
        self.held.extend(message for message in messages if message[1]["type"] == "frame.push")
        super().send_to_groups([message for message in messages if message[1]["type"] != "frame.push"])

    def release(self, fences: list[LayerMessage]) -> None:
        """Deliver what is due, and the fences after it."""
        super().send_to_groups([*self.due(), *fences])

    def due(self) -> list[LayerMessage]:
        if self.weather == SLOW:
            return []
        messages, self.held = self.held, []
        if self.weather == SILENT:
            return []
        if self.weather in {LOSSY, STORMY}:
            messages = [message for message in messages if self.dice.random() < 0.6]
        if self.weather in {DOUBLING, STORMY}:
            messages = [message for message in messages for _ in range(self.dice.choice((1, 2, 3)))]
        if self.weather in {SHUFFLING, STORMY}:
            self.dice.shuffle(messages)
        return messages


class StoppedClock(datetime):
    """The journal's clock, which moves only when a rule moves it."""

    time = datetime.now(UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.time


class Stack:
    """An event loop that runs only while a step waits for it, and a clock. Use `close()`."""

    def __init__(self) -> None:
        StoppedClock.time = datetime.now(UTC)
        self.usual_clock, unit_of_work.datetime = unit_of_work.datetime, StoppedClock  # type: ignore[misc]
        self.layer = WeatherLayer()
        self.usual_layer = channel_layers.backends.get("default")
        channel_layers.set("default", self.layer)
        self.runner = asyncio.Runner()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def pass_time(self, seconds: int) -> None:
        StoppedClock.time += timedelta(seconds=seconds)

    async def written(self) -> None:
        """Wait until the journal has answered and published its whole queue, and what follows from it."""
        while writer.waiting or writer.is_writing or row_pushes.unfinished:  # noqa: ASYNC110 - another thread's state
            await asyncio.sleep(0)

    def release(self, room: str, user_ids: Iterable[int]) -> None:
        """Deliver what is due, and after it a fence to every socket of these users."""
        text = json.dumps({"type": FENCE})
        self.layer.release(
            [(message.group, message.as_layer_message()) for message in to_users(user_ids, room, text)]
        )

    def close(self) -> None:
        self.runner.close()
        unit_of_work.datetime = self.usual_clock  # type: ignore[misc]
        channel_layers.backends.pop("default", None)
        if self.usual_layer is not None:
            channel_layers.set("default", self.usual_layer)
