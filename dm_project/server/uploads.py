"""Upload authorization: only logged-in users may send bodies above the usual limit (docs/threats.md T30).

Decided before a byte of the body is read, off the event loop, on a few threads of its own: a flood of guessed
cookies must not occupy the threads that serve pages.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.db import Error, close_old_connections
from django.http import parse_cookie

THREADS, MAX_QUEUED = 2, 32


class AuthorizationUnavailable(Exception):
    """Whether the client is logged in cannot be found out now."""


_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="uploads")
_queued = 0


async def can_upload(cookies: str) -> bool:
    """Whether this Cookie header belongs to a logged-in user.

    Raises:
        AuthorizationUnavailable: the database does not answer, or too many requests ask at once.
    """
    # Late: the server is loaded before Django's apps are.
    from accounts.sessions import session_keys_in

    global _queued
    keys = session_keys_in(parse_cookie(cookies))
    if not keys:
        return False
    if _queued >= MAX_QUEUED:
        raise AuthorizationUnavailable
    _queued += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, is_logged_in, keys)
    except Error:
        raise AuthorizationUnavailable from None
    finally:
        _queued -= 1


def is_logged_in(keys: list[str]) -> bool:
    from accounts.identity import account_of_session
    from accounts.sessions import SessionStore

    close_old_connections()
    try:
        return account_of_session(SessionStore(keys[0], keys[1:]))[0] is not None
    finally:
        close_old_connections()
