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

from conversations.db.errors import current_connection, ensure_connection, is_connection_dead, refusal_for
from conversations.exceptions import Busy

QUERY_THREADS = 4
QUEUE_TIMEOUT_SECONDS = 1.2
"""A query that no lane has taken up by then is not asked any more."""
STALL_SECONDS = 0.4
"""Nor one that has waited so long while no lane took up anything: then it is the database that is slow, and not the queue that is long."""
REJECT_SECONDS = 0.5
"""So long after that, new ones are not taken: whoever comes later would wait as long."""
RETRY_WITHIN_SECONDS = 1.0
P = ParamSpec("P")
T = TypeVar("T")


class DatabaseExecutor:
    """Some threads with one queue."""

    def __init__(self, threads: int, name: str) -> None:
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self.rejecting_until = 0.0
        self.last_start_at = 0.0

    async def run(self, work: Callable[[], T]) -> T:
        """Raises Busy when no thread takes it up in time. What was begun is waited for: the database's own limits end it."""
        if time.monotonic() < self.rejecting_until:
            raise Busy("the lanes are full", retry_after_ms=1_000)
        future = self.executor.submit(self.start, work)
        awaited = asyncio.wrap_future(future)
        try:
            await asyncio.wait((awaited,), timeout=STALL_SECONDS)
            if self.is_making_progress:
                await asyncio.wait((awaited,), timeout=QUEUE_TIMEOUT_SECONDS - STALL_SECONDS)
        except asyncio.CancelledError:
            awaited.cancel()
            raise
        if future.cancel():
            self.rejecting_until = time.monotonic() + REJECT_SECONDS
            raise Busy("no lane was free", retry_after_ms=2_000)
        return await awaited

    def start(self, work: Callable[[], T]) -> T:
        self.last_start_at = time.monotonic()
        return work()

    @property
    def is_making_progress(self) -> bool:
        return time.monotonic() - self.last_start_at < STALL_SECONDS


_queries = DatabaseExecutor(QUERY_THREADS, "query")
_cache_queries = DatabaseExecutor(1, "cache-query")


async def run_query(query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask the database from a coroutine.

    Raises:
        Busy: the database is away, locked or full (StorageFull), or so much is asked that it would take too long.
    """
    return await _queries.run(lambda: run_with_retry(query, *args, **kwargs))


async def run_cache_query(query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same in a lane of its own, in the order asked: for what also waits for the cache, which may hang while the database does not."""
    return await _cache_queries.run(lambda: run_with_retry(query, *args, **kwargs))


def run_with_retry(query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """One try, and a second one when the kept connection turns out to be dead. Not after a long wait: somebody is waiting for an answer."""
    began, before = time.monotonic(), current_connection()
    try:
        ensure_connection()
        return query(*args, **kwargs)
    except (DatabaseError, InterfaceError) as error:
        may_help = is_connection_dead(before) and time.monotonic() - began < RETRY_WITHIN_SECONDS
        connection.close()
        if not may_help:
            raise refusal_for(error) from error
    try:
        ensure_connection()
        return query(*args, **kwargs)
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        raise refusal_for(error) from error
