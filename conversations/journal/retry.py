"""One batch, tried: on the connection that is kept, and once more on a fresh one when that has turned out to be dead."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db import Error, connection

from conversations.db.errors import current_connection, ensure_connection, is_connection_dead
from conversations.delivery import Push
from conversations.journal import batch
from conversations.journal.commands import Command

QUICK_SECONDS = 0.5
LOCK_MS = 300
"""Longest wait of a whole batch for rows that another transaction holds."""


def drop_connection() -> None:
    """Closed for good: a pool would hand it on, with the short patience for locks that only the writer has."""
    if connection.vendor == "postgresql" and connection.connection is not None:
        connection.connection.close()
    connection.close()


def written(
    commands: Sequence[Command], *, skip_locked: bool = False
) -> tuple[list[batch.Outcome], list[Push]]:
    """One try, and a second one on a fresh connection when the kept one turns out to be dead.

    Raises:
        batch.InDoubt: the commands may be stored or not.
    """
    began, before = time.monotonic(), current_connection()
    try:
        return write_knowingly(commands, skip_locked=skip_locked)
    except (batch.InDoubt, Error) as error:
        # On the way out of the transaction Django has asked for a new connection. Where it waited in vain, waiting again would only be later.
        if not is_connection_dead(before) or time.monotonic() - began > QUICK_SECONDS:
            raise
        first = error
    drop_connection()
    try:
        # Nothing of the first try is stored twice: repeats are found by their ids.
        return write_knowingly(commands, skip_locked=skip_locked)
    except Error:
        if isinstance(first, batch.InDoubt):
            raise first from None
        raise


def write_knowingly(
    commands: Sequence[Command], *, skip_locked: bool = False
) -> tuple[list[batch.Outcome], list[Push]]:
    """What a new connection leads to may be another database: one restored from a backup, or a replica that took over and lags behind."""
    if current_connection() is None:
        ensure_connection()
        be_impatient_with_locks()
    else:
        ensure_connection()
    return batch.write(commands, skip_locked=True) if skip_locked else batch.write(commands)


def be_impatient_with_locks() -> None:
    """On the writer's own connection: a conversation that somebody else holds for longer is written later, and the others now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_MS}ms"])
