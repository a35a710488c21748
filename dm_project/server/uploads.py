"""Who may send a body that is larger than everybody's: people who are signed in. Asked before a byte of it is read (safety.md T30).

The database is asked off the event loop, by few threads of its own: a flood of guessed cookies must not take the threads of pages.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.db import Error, close_old_connections
from django.http import parse_cookie

THREADS, WAITING = 2, 32


class Unknown(Exception):
    """It cannot be told now."""


_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="uploads")
_waiting = 0


async def may_upload(cookies: str) -> bool:
    """Whether this Cookie header belongs to somebody who is signed in.

    Raises:
        Unknown: the database is away, or too many ask at once.
    """
    # Late: the server is loaded before Django's apps are.
    from accounts.sessions import session_keys_in

    global _waiting
    keys = session_keys_in(parse_cookie(cookies))
    if not keys:
        return False
    if _waiting >= WAITING:
        raise Unknown
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, is_signed_in, keys)
    except Error:
        raise Unknown from None
    finally:
        _waiting -= 1


def is_signed_in(keys: list[str]) -> bool:
    from accounts.identity import person_of
    from accounts.sessions import SessionStore

    close_old_connections()
    try:
        return person_of(SessionStore(keys[0], keys[1:]))[0] is not None
    finally:
        close_old_connections()
