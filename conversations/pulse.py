"""Every 20 to 30 seconds each socket hears which rooms moved, so that a lost last event is noticed without another event.

One statement for the whole process, whatever the number of sockets. A hint: devices compare numbers and ask for what they lack.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings

from conversations.exceptions import Busy
from conversations.lanes import read
from conversations.selectors.conversations import Heads, epoch, moved_since

logger = logging.getLogger(__name__)
OVERLAP = timedelta(seconds=10)
"""A transaction may commit this much later than the time it carries."""

Listener = Callable[[Heads], Awaitable[None]]


class Pulse:
    """The beat of one event loop. It runs while anybody listens."""

    def __init__(self) -> None:
        self.listeners: dict[int, set[Listener]] = defaultdict(set)
        self.task: asyncio.Task[None] | None = None

    def join(self, user_id: int, listener: Listener) -> None:
        self.listeners[user_id].add(listener)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self.run())

    def leave(self, user_id: int, listener: Listener) -> None:
        self.listeners[user_id].discard(listener)
        if not self.listeners[user_id]:
            del self.listeners[user_id]
        if not self.listeners and self.task is not None:
            self.task.cancel()
            # Whoever joins before the cancelled task has noticed needs a new one.
            self.task = None

    async def run(self) -> None:
        since = datetime.now(UTC)
        while self.listeners:
            await asyncio.sleep(settings.HEADS_EVERY_MS / 1000)
            began = datetime.now(UTC)
            try:
                await self.beat(since)
            except Busy:
                logger.warning("the database is away; the next beat covers this one")
            except Exception:
                # Without this everybody who is connected would go without beats from here on.
                logger.exception("a beat failed; the next one covers it")
            else:
                since = began

    async def beat(self, since: datetime) -> None:
        moved = await read(moved_since, since, overlap=OVERLAP)
        by_user: dict[int, Heads] = {}
        value = await read(epoch) if moved else ""
        for room, head, user_id, mark in moved:
            if user_id in self.listeners:
                heads = by_user.setdefault(user_id, Heads(value, {}, {}))
                heads.rooms[room], heads.marks[room] = head, mark
        for user_id, heads in by_user.items():
            for listener in tuple(self.listeners.get(user_id, ())):
                await tell(listener, heads)


async def tell(listener: Listener, heads: Heads) -> None:
    try:
        await listener(heads)
    except Exception as error:
        # One socket that breaks must not keep the beat from the others.
        logger.warning("a socket could not be told its heads (%s)", type(error).__name__)


_pulses: dict[asyncio.AbstractEventLoop, Pulse] = {}


def pulse() -> Pulse:
    """The pulse of the running loop; a closed loop takes its own along."""
    loop = asyncio.get_running_loop()
    for other in [known for known in _pulses if known.is_closed()]:
        del _pulses[other]
    return _pulses.setdefault(loop, Pulse())
