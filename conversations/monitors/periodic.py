"""Periodic tasks and per-loop objects: the parts that every monitor is made of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from conversations.exceptions import Busy

T = TypeVar("T")
Work = Callable[[], Awaitable[None]]


class PerLoop(Generic[T]):
    """One object per event loop, made on first use. Call it to get the running loop's object."""

    def __init__(self, make: Callable[[], T]) -> None:
        self.make = make
        self.objects: dict[asyncio.AbstractEventLoop, T] = {}

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        found = self.objects.get(loop)
        if found is None:
            # An object that belongs to a closed loop can never be used again.
            for known in tuple(self.objects):
                if known.is_closed():
                    self.objects.pop(known, None)
            found = self.objects[loop] = self.make()
        return found


class PeriodicTask:
    """Repeats `work` on one event loop from `start` to `stop`; an error is logged and never ends it.

    Args:
        seconds: the pause before each run; asked each time, because settings change in tests.
        prepare: runs once after each `start`, before the first pause.
        logger, name: who reports that a run failed.
    """

    def __init__(
        self,
        work: Work,
        *,
        seconds: Callable[[], float],
        logger: logging.Logger,
        name: str,
        prepare: Work | None = None,
    ) -> None:
        self.work, self.seconds, self.prepare = work, seconds, prepare
        self.logger, self.name = logger, name
        self.woken = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> bool:
        """Start unless it runs already. Returns whether it was started."""
        if self.task is not None and not self.task.done():
            return False
        self.task = asyncio.get_running_loop().create_task(self.run())
        return True

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            # A `start` before the cancelled task has ended needs a new task.
            self.task = None

    def wake(self) -> None:
        """End the current pause."""
        self.woken.set()

    async def run(self) -> None:
        if self.prepare is not None:
            await self.attempt(self.prepare)
        while self.task is asyncio.current_task():
            with suppress(TimeoutError):
                # Not `wait_for`, which may swallow a cancellation that arrives together with a wake-up.
                async with asyncio.timeout(self.seconds()):
                    await self.woken.wait()
            self.woken.clear()
            await self.attempt(self.work)

    async def attempt(self, work: Work) -> None:
        try:
            await work()
        except Busy:
            self.logger.warning("%s: the database is unavailable; the next run covers this one", self.name)
        except Exception:
            # An error that ended the task would leave every connected client without this monitor.
            self.logger.exception("%s failed; the next run covers it", self.name)
