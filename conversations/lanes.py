"""Threads in which sockets read the database.

Without them every consumer of a process shares one thread, and a slow read of one person delays the rest (stack.md C1 to C3).
Each lane keeps its own connection, and drops it when the database complains.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from conversations.exceptions import Busy

LANES = 4
P = ParamSpec("P")
T = TypeVar("T")

_executor = ThreadPoolExecutor(LANES, thread_name_prefix="lane")
_aside = ThreadPoolExecutor(1, thread_name_prefix="side-lane")


async def read(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask the database from a coroutine.

    Raises:
        Busy: the database is away or locked. A stale connection is replaced once before that is said.
    """
    return await asyncio.get_running_loop().run_in_executor(_executor, lambda: ask(question, *args, **kwargs))


async def read_aside(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same in a lane of its own, in the order asked: for what also waits for the cache, which may hang while the database does not."""
    return await asyncio.get_running_loop().run_in_executor(_aside, lambda: ask(question, *args, **kwargs))


def ask(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return question(*args, **kwargs)
    except (DatabaseError, InterfaceError):
        connection.close()
    try:
        return question(*args, **kwargs)
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        raise Busy(type(error).__name__) from error
