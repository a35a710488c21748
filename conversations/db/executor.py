"""Threads in which sockets read the database.

Without them every consumer of a process shares one thread, and a slow read of one person delays the rest (stack.md C1 to C3).
Each lane keeps its own connection, and drops it when the database complains. Who would have to wait too long is told at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from conversations.db.errors import is_cut, kept, refusal_for, require_way
from conversations.exceptions import Busy

LANES = 4
PATIENCE_SECONDS = 1.2
"""A question that no lane has taken up by then is not asked any more."""
STILL_SECONDS = 0.4
"""Nor one that has waited so long while no lane took up anything: then it is the database that is slow, and not the queue that is long."""
REST_SECONDS = 0.5
"""So long after that, new ones are not taken: whoever comes later would wait as long."""
QUICK_SECONDS = 1.0
P = ParamSpec("P")
T = TypeVar("T")


class Lanes:
    """Some threads with one queue."""

    def __init__(self, threads: int, name: str) -> None:
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self.clogged_until = 0.0
        self.moved_at = 0.0

    async def run(self, work: Callable[[], T]) -> T:
        """Raises Busy when no thread takes it up in time. What was begun is waited for: the database's own limits end it."""
        if time.monotonic() < self.clogged_until:
            raise Busy("the lanes are full", retry_after_ms=1_000)
        future = self.executor.submit(self.take_up, work)
        awaited = asyncio.wrap_future(future)
        try:
            await asyncio.wait((awaited,), timeout=STILL_SECONDS)
            if self.moves:
                await asyncio.wait((awaited,), timeout=PATIENCE_SECONDS - STILL_SECONDS)
        except asyncio.CancelledError:
            awaited.cancel()
            raise
        if future.cancel():
            self.clogged_until = time.monotonic() + REST_SECONDS
            raise Busy("no lane was free", retry_after_ms=2_000)
        return await awaited

    def take_up(self, work: Callable[[], T]) -> T:
        self.moved_at = time.monotonic()
        return work()

    @property
    def moves(self) -> bool:
        return time.monotonic() - self.moved_at < STILL_SECONDS


_lanes = Lanes(LANES, "lane")
_aside = Lanes(1, "side-lane")


async def read(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask the database from a coroutine.

    Raises:
        Busy: the database is away, locked or full (StorageFull), or so much is asked that it would take too long.
    """
    return await _lanes.run(lambda: ask(question, *args, **kwargs))


async def read_aside(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same in a lane of its own, in the order asked: for what also waits for the cache, which may hang while the database does not."""
    return await _aside.run(lambda: ask(question, *args, **kwargs))


def ask(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """One try, and a second one when the kept connection turns out to be dead. Not after a long wait: somebody is waiting for an answer."""
    began, before = time.monotonic(), kept()
    try:
        require_way()
        return question(*args, **kwargs)
    except (DatabaseError, InterfaceError) as error:
        may_help = is_cut(before) and time.monotonic() - began < QUICK_SECONDS
        connection.close()
        if not may_help:
            raise refusal_for(error) from error
    try:
        require_way()
        return question(*args, **kwargs)
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        raise refusal_for(error) from error
