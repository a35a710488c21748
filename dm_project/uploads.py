"""Who may send a body that is larger than everybody's: people who are signed in. Asked before a byte of it is read (safety.md T30).

The database is asked off the event loop, by few threads of its own: a flood of guessed cookies must not take the threads of pages.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import SimpleNamespace

from django.conf import settings
from django.contrib import auth
from django.db import Error, close_old_connections
from django.http import parse_cookie

SESSION_KEY = re.compile(r"[a-z0-9]{32}")
"""What the store makes. Anything else is nobody's, and is not asked for."""
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
    global _waiting
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    if not SESSION_KEY.fullmatch(key):
        return False
    if _waiting >= WAITING:
        raise Unknown
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, is_signed_in, key)
    except Error:
        raise Unknown from None
    finally:
        _waiting -= 1


def is_signed_in(key: str) -> bool:
    close_old_connections()
    try:
        session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        return bool(auth.get_user(SimpleNamespace(session=session)).is_authenticated)  # type: ignore[arg-type]
    finally:
        close_old_connections()
