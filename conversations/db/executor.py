"""Database executor: the thread pool in which sockets run their queries.

Without it every consumer of a process shares one thread, and a slow query of one user delays the rest. Each
thread keeps its own connection and drops it after an error. A query that would wait too long is rejected.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from conversations.db.errors import current_connection, ensure_connection, is_connection_dead, refusal_for
from conversations.exceptions import Busy, Refusal

logger = logging.getLogger(__name__)
QUERY_THREADS = 4
QUEUE_TIMEOUT_SECONDS = 1.2
"""A query that no thread has started by then is cancelled."""
STALL_SECONDS = 0.4
"""So is one that has waited this long while no thread started anything: the database is slow then, not the
queue long."""
REJECT_SECONDS = 0.5
"""After a timeout, reject new queries for this long: they would wait as long."""
RETRY_WITHIN_SECONDS = 1.0
P = ParamSpec("P")
T = TypeVar("T")


class DatabaseExecutor:
    """Threads with one queue."""

    def __init__(self, threads: int, name: str) -> None:
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self.rejecting_until = 0.0
        self.last_start_at = 0.0

    async def run(self, work: Callable[[], T]) -> T:
        """Raises Busy when no thread starts it in time.

        Started work is awaited: the database's own limits end it.
        """
        if time.monotonic() < self.rejecting_until:
            raise Busy("queries time out in the queue", retry_after_ms=1_000)
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
            raise Busy("no query thread was free", retry_after_ms=2_000)
        return await awaited

    def start(self, work: Callable[[], T]) -> T:
        self.last_start_at = time.monotonic()
        return work()

    @property
    def is_making_progress(self) -> bool:
        return time.monotonic() - self.last_start_at < STALL_SECONDS


_queries = DatabaseExecutor(QUERY_THREADS, "query")
_cache_queries = DatabaseExecutor(1, "cache-query")
_background = DatabaseExecutor(1, "background-query")


async def run_query(query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a database query from a coroutine.

    Raises:
        Busy: the database is unavailable, locked or full (StorageFull), or its queue is too long.
    """
    return await _queries.run(lambda: run_with_retry(query, *args, **kwargs))


async def run_cache_query(query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same on a thread of its own, in order: for queries that also wait for the cache, which may hang
    while the database does not."""
    return await _cache_queries.run(lambda: run_with_retry(query, *args, **kwargs))


def run_in_background(query: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run queries that no client waits for, in order, on a thread of their own. Returns at once; a failure is
    logged, so nothing may depend on them. The caller bounds how many wait."""

    def run() -> None:
        try:
            run_with_retry(query, *args, **kwargs)
        except Refusal as refusal:
            logger.info("a query in the background was rejected (%s)", refusal.code)
        except Exception as error:
            # The class and the stack only: the text of an error may quote a body.
            where = "".join(traceback.format_tb(error.__traceback__))
            logger.error("a query in the background failed with a %s\n%s", type(error).__name__, where)

    _background.executor.submit(_background.start, run)


def run_with_retry(query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run, and once more when the kept connection turns out to be dead.

    Not after a long wait: a client is waiting for the answer.
    """
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
