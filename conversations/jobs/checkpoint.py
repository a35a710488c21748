"""Checkpoints of SQLite: its write-ahead log is emptied, because deleted text stays readable there until then
(docs/threats.md T63).

No job: the row of one would fill the log again, and an idle server would write for ever.
"""

from __future__ import annotations

import os

from django.db import connection

EVERY_SECONDS, RETRY_SECONDS = 30.0, 5.0
"""The pause between two checkpoints, and after one that a reader held up."""
WAIT_MS = 100
"""How long a checkpoint waits for readers. Writers wait meanwhile."""


def checkpoint_if_filled() -> float:
    """Empty the log, if there is one with anything in it. Returns the seconds until the next time.

    Raises: django.db.Error.
    """
    if not is_log_filled():
        return EVERY_SECONDS
    with connection.cursor() as cursor:
        (before,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
        try:
            is_busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(before)}")
    return RETRY_SECONDS if is_busy else EVERY_SECONDS


def is_log_filled() -> bool:
    try:
        return (
            connection.vendor == "sqlite" and os.stat(f"{connection.settings_dict['NAME']}-wal").st_size > 0
        )
    except OSError:
        return False
