"""Retry of one batch: once more on a new connection when the open one turns out to be dead."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.db import Error, connection

from conversations.db.errors import current_connection, ensure_connection, is_connection_dead
from conversations.delivery import Push
from conversations.journal import batch
from conversations.journal.commands import Command, Outcome

QUICK_SECONDS = 0.5
"""A first try that took longer is not repeated: it has waited for a connection in vain, and would again."""
LOCK_TIMEOUT_MS = 300
"""Longest wait of a whole batch for rows that another transaction holds."""
Written = tuple[list[Outcome[Any]], list[Push]]


def drop_connection() -> None:
    """Close it for good: a pool would hand it on with the writer's short lock timeout."""
    if connection.vendor == "postgresql" and connection.connection is not None:
        connection.connection.close()
    connection.close()


def write_with_retry(commands: Sequence[Command[Any]], *, skip_locked: bool = False) -> Written:
    """One try, and a second one on a new connection when the open one turns out to be dead.

    Raises:
        batch.InDoubt: the commands may be stored or not.
    """
    began, before = time.monotonic(), current_connection()
    try:
        return write_checked(commands, skip_locked=skip_locked)
    except (batch.InDoubt, Error) as error:
        if not is_connection_dead(before) or time.monotonic() - began > QUICK_SECONDS:
            raise
        first = error
    drop_connection()
    try:
        # Nothing of the first try is stored twice: repeats are found by their ids.
        return write_checked(commands, skip_locked=skip_locked)
    except Error:
        if isinstance(first, batch.InDoubt):
            raise first from None
        raise


def write_checked(commands: Sequence[Command[Any]], *, skip_locked: bool = False) -> Written:
    """One try. A new connection may lead to another database (restored from a backup, or a replica that lags
    behind), so `ensure_connection` compares it with the last write first."""
    is_new = current_connection() is None
    ensure_connection()
    if is_new:
        set_lock_timeout()
    return batch.write(commands, skip_locked=True) if skip_locked else batch.write(commands)


def set_lock_timeout() -> None:
    """On the writer's own connection: a conversation that another transaction holds for longer is written
    later, the others now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_TIMEOUT_MS}ms"])
