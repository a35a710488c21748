"""Hooks inside a server process, for faults that cannot be timed from outside. Never part of the product:
`rigged` puts them in.

A file in FAULTS_FOLDER switches a hook of a running server; its content is the setting.
  chaos   "LOST DOUBLED DELAY_S": the layer loses and doubles these shares of its messages and delays each
  by up to so long slow    seconds added to each database query clock   seconds by which the journal's clock
  is off
A message whose body begins with KILL_MARK, stored for the first time, kills its process after the commit
and before the answer.
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
POLL_SECONDS = 0.1


class Switch:
    """The content of a file, read at most ten times a second; "" while the file is missing."""

    def __init__(self, name: str) -> None:
        self.path = FOLDER / name
        self.polled_at, self.content = -POLL_SECONDS, ""

    def read(self) -> str:
        now = time.monotonic()
        if now - self.polled_at >= POLL_SECONDS:
            self.polled_at = now
            try:
                self.content = self.path.read_text(encoding="ascii")
            except OSError:
                self.content = ""
        return self.content


chaos, clock, slow = Switch("chaos"), Switch("clock"), Switch("slow")


class FaultsConfig(AppConfig):
    """Installs the hooks once all apps are loaded."""

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
        connection_created.connect(add_delay)
        setattr(unit_of_work, "datetime", SkewedClock)  # noqa: B010  (the module only imports the name)


def add_delay(sender: Any, connection: Any, **kwargs: Any) -> None:
    if delayed_query not in connection.execute_wrappers:
        connection.execute_wrappers.append(delayed_query)


def delayed_query(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    time.sleep(float(slow.read() or 0))
    return execute(sql, params, many, context)


class SkewedClock(datetime):
    """The journal's clock, shifted by the setting of the hook."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=float(clock.read() or 0))


def delivery_delays() -> list[float]:
    """Delays in seconds for one message: none for a lost one, two for a doubled one. [0.0] while the hook
    is off."""
    setting = chaos.read()
    if not setting:
        return [0.0]
    lost, doubled, delay = map(float, setting.split())
    rng = random.random()
    times = 0 if rng < lost else 2 if rng < lost + doubled else 1
    return [random.uniform(0, delay) for _ in range(times)]


@cache
def delay_loop() -> asyncio.AbstractEventLoop:
    """The event loop of delayed messages."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="delayed messages", daemon=True).start()
    return loop


class ChaoticLocalLayer(LocalChannelLayer):
    """In one process. Different delays also change the order."""

    def send_to_groups(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        now: list[tuple[str, dict[str, Any]]] = []
        later: list[tuple[float, tuple[str, dict[str, Any]]]] = []
        for message in messages:
            for delay in delivery_delays():
                if delay:
                    later.append((delay, message))
                else:
                    now.append(message)
        super().send_to_groups(now)
        for delay, message in later:
            loop = delay_loop()
            loop.call_soon_threadsafe(loop.call_later, delay, super().send_to_groups, [message])


class ChaoticRedisLayer(RedisLayer):
    """Between processes. The base class delegates to the layer of the running loop by `__getattr__`, which
    `super()` skips."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        layer = self._get_layer()
        for delay in delivery_delays():
            if delay:
                asyncio.get_running_loop().call_later(delay, self.send_late, layer.group_send(group, message))
            else:
                await layer.group_send(group, message)

    def send_late(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(sending)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
