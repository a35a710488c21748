"""Hooks inside a started server, for faults that nothing outside can time. Never part of the product: `rigged` puts them in.

A hook is switched by a file in FAULTS_FOLDER, so that a running server can be told; its content is its setting.
  chaos   "LOST DOUBLED DELAY_S": the layer loses and doubles these shares of its letters and delays each by up to so long
  slow    seconds that every question to the database takes longer
  clock   seconds by which the journal's clock is off
A message whose body begins with KILL_MARK, stored for the first time, kills its process after the commit and before the answer.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from conversations.channel_layers.local import LocalChannelLayer
from conversations.channel_layers.redis import RedisLayer

KILL_MARK = "kill -9 after the commit: "
FOLDER = Path(os.environ.get("FAULTS_FOLDER") or "/nonexistent")
LOOK_SECONDS = 0.1


class Switch:
    """The content of a file, looked at ten times a second at most. "" while it is not there."""

    def __init__(self, name: str) -> None:
        self.path = FOLDER / name
        self.looked_at, self.content = -LOOK_SECONDS, ""

    def read(self) -> str:
        now = time.monotonic()
        if now - self.looked_at >= LOOK_SECONDS:
            self.looked_at = now
            try:
                self.content = self.path.read_text(encoding="ascii")
            except OSError:
                self.content = ""
        return self.content


chaos, clock, slow = Switch("chaos"), Switch("clock"), Switch("slow")


class FaultsConfig(AppConfig):
    """Puts the hooks in once all apps are loaded."""

    name = "tools.faults"
    label = "faults"

    def ready(self) -> None:
        from conversations.journal import unit_of_work, writer

        write = writer.write_with_retry

        def written_and_killed(commands: Sequence[Any], **options: Any) -> Any:
            answer = write(commands, **options)
            for command, outcome in zip(commands, answer[0], strict=True):
                if (
                    str(getattr(command, "body", "")).startswith(KILL_MARK)
                    and getattr(outcome.result, "duplicate", None) is False
                ):
                    os.kill(os.getpid(), signal.SIGKILL)
            return answer

        writer.write_with_retry = written_and_killed
        connection_created.connect(slow_down)
        setattr(unit_of_work, "datetime", CrookedClock)  # noqa: B010  (a name that the module only imports)


def slow_down(sender: Any, connection: Any, **kwargs: Any) -> None:
    if slowly not in connection.execute_wrappers:
        connection.execute_wrappers.append(slowly)


def slowly(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    time.sleep(float(slow.read() or 0))
    return execute(sql, params, many, context)


class CrookedClock(datetime):
    """The journal's clock: off by what the switch says."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=float(clock.read() or 0))


def fates() -> list[float]:
    """When a letter arrives: never, once or twice, in so many seconds. [0.0] while there is no chaos."""
    told = chaos.read()
    if not told:
        return [0.0]
    lost, doubled, delay = map(float, told.split())
    luck = random.random()
    times = 0 if luck < lost else 2 if luck < lost + doubled else 1
    return [random.uniform(0, delay) for _ in range(times)]


@cache
def late_loop() -> asyncio.AbstractEventLoop:
    """Where late letters wait."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="late letters", daemon=True).start()
    return loop


class ChaoticLocalLayer(LocalChannelLayer):
    """Within one process. A delay of its own for each letter shuffles them, too."""

    def send_to_groups(self, letters: Iterable[tuple[str, dict[str, Any]]]) -> None:
        now: list[tuple[str, dict[str, Any]]] = []
        later: list[tuple[float, tuple[str, dict[str, Any]]]] = []
        for letter in letters:
            for delay in fates():
                if delay:
                    later.append((delay, letter))
                else:
                    now.append(letter)
        super().send_to_groups(now)
        for delay, letter in later:
            loop = late_loop()
            loop.call_soon_threadsafe(loop.call_later, delay, super().send_to_groups, [letter])


class ChaoticRedisLayer(RedisLayer):
    """Between processes. Its base hands all it does to the layer of the running loop by `__getattr__`, which `super()` does not ask."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        layer = self._get_layer()
        for delay in fates():
            if delay:
                asyncio.get_running_loop().call_later(delay, self.send_late, layer.group_send(group, message))
            else:
                await layer.group_send(group, message)

    def send_late(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(sending)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
