"""What an error of the database means for whoever asked: away for a moment, full, or cut off in the middle.

Judged by the driver's own words and codes only; they are looked at and never shown, because other errors quote the row.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connection, connections

from conversations.exceptions import Busy, StorageFull, UnknownResult

logger = logging.getLogger(__name__)
READ_STATEMENTS = ("SELECT", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA", "SET", "SHOW")
"""Statements that store nothing. BEGIN counts: on SQLite Django sends it as a statement of its own, outside of any transaction."""
TRANSIENT_ERRORS = (OperationalError, InterfaceError)
"""What may be over in a moment; other database errors come from the command itself."""
RETRY_AFTER_MS = 1_000
DISK_FULL_CODES = {"53100", "58030"}
UNAVAILABLE_CLASSES = {"08", "53", "57", "58"}
"""PostgreSQL: connection, resources, operator's intervention, system error."""
LOCK_TIMEOUT_CODE = "55P03"
UNAVAILABLE_CODES = {"25006", LOCK_TIMEOUT_CODE}
"""Read-only since a fail-over; a lock that was not given in time."""
DISK_FULL_PHRASES = ("database or disk is full", "disk i/o error", "no space left on device")
"""A quota that is used up, or a limit of the process, is an "I/O error" to SQLite."""
UNAVAILABLE_PHRASES = ("locked", "readonly", "unable to open", *DISK_FULL_PHRASES)


@dataclass(slots=True)
class DiskFullState:
    seen_at: float | None = None


disk_full = DiskFullState()


@dataclass(slots=True)
class CircuitBreaker:
    """Is there a way to PostgreSQL? While there is none, one thread at a time looks for it and waits; all others are told at once."""

    is_open: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


breaker = CircuitBreaker()


after_connecting: list[Callable[[], object]] = []
"""Asked on each new connection of the threads that keep theirs: it may lead to another database than the one before, or to an older one."""
_opened_files: WeakKeyDictionary[Any, tuple[int, int] | None] = WeakKeyDictionary()
"""Of each Django connection to SQLite: which file it has open."""


def ensure_connection() -> None:
    """Connect, if this thread is not connected. Called where many wait in one queue: there each one's patience would add to the others'.

    Raises:
        django.db.OperationalError: no connection could be made, or somebody else is trying just now and has not succeeded yet.
    """
    if connection.vendor == "sqlite":
        close_replaced_file()
    if connection.connection is not None:
        return
    if connection.vendor == "postgresql":
        connect_through_breaker()
    for look in after_connecting:
        look()


def remember_file(sender: Any, connection: Any, **kwargs: Any) -> None:
    """Receiver of Django's signal for a new connection."""
    if connection.vendor == "sqlite":
        _opened_files[connection] = file_identity(connection)


def file_identity(connection: Any) -> tuple[int, int] | None:
    """Device and number of the file that stands under the database's name now; None when there is none (or it lives in memory)."""
    try:
        found = os.stat(connection.settings_dict["NAME"])
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def close_replaced_file() -> None:
    """A backup that was moved into the place of a running database is another file under its name. What is still open is the old one, which
    has no name any more: whatever were written there would be gone with the process.

    Raises:
        django.db.OperationalError: there is no file at this moment.
    """
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    opened = _opened_files.get(wrapper)
    if wrapper.connection is None or wrapper.in_atomic_block or opened is None:
        return
    found = file_identity(wrapper)
    if found == opened:
        return
    wrapper.close()
    if found is None:
        raise OperationalError("unable to open database file: it is gone")
    logger.warning("the file of the database was replaced; it is opened anew")


def connect_through_breaker() -> None:
    """To PostgreSQL. While it is away, one thread at a time looks for it."""
    if not breaker.is_open:
        connection.ensure_connection()
        return
    if not breaker.lock.acquire(blocking=False):
        raise OperationalError("no connection: the database was away a moment ago")
    try:
        connection.ensure_connection()
        breaker.is_open = False
    finally:
        breaker.lock.release()


def refusal_for(error: Exception) -> Busy:
    """The retryable answer to an error that may pass."""
    if is_unavailable(error) and code_of(error) is None:
        breaker.is_open = True
    if is_full(error):
        disk_full.seen_at = time.monotonic()
        return StorageFull(retry_after_ms=RETRY_AFTER_MS)
    return Busy(type(error).__name__, retry_after_ms=RETRY_AFTER_MS)


def was_full_within(seconds: float) -> bool:
    """Has this process been told so lately? For readiness: the database's disk may be on a machine that we cannot look at."""
    return disk_full.seen_at is not None and time.monotonic() - disk_full.seen_at < seconds


def is_full(error: Exception) -> bool:
    return isinstance(error, TRANSIENT_ERRORS) and (
        code_of(error) in DISK_FULL_CODES or any(word in str(error).lower() for word in DISK_FULL_PHRASES)
    )


def is_unavailable(error: Exception) -> bool:
    """Would every other question fail alike just now?"""
    if not isinstance(error, TRANSIENT_ERRORS):
        return False
    if connection.vendor == "postgresql":
        code = code_of(error)
        return code is None or code in UNAVAILABLE_CODES or code[:2] in UNAVAILABLE_CLASSES
    return any(word in str(error).lower() for word in UNAVAILABLE_PHRASES)


def current_connection() -> Any:
    """The connection that this thread has from earlier questions, if there is one."""
    return connection.connection


def is_connection_dead(kept: Any) -> bool:
    """After an error: has this connection turned out to be dead? Without asking the server, which may be frozen; and of the one that was there
    before the error, because on the way out of a transaction Django may have made a new one already."""
    return connection.vendor == "postgresql" and kept is not None and bool(kept.closed)


def is_locked(error: Exception) -> bool:
    """Somebody else holds a row for too long. Nothing of this transaction was stored, and the connection is good."""
    return isinstance(error, TRANSIENT_ERRORS) and code_of(error) == LOCK_TIMEOUT_CODE


class WriteWatch:
    """What one request has written, as its connection tells: whether "not stored" would be true when a later question fails.

    Used as Django's execute_wrapper around every request that may change something. Services answer for the journal themselves: it writes
    on a connection of its own.
    """

    def __init__(self) -> None:
        self.is_stored = False
        self.is_interrupted_in_write = False
        self.uncommitted: Any = None
        """The connection of a transaction that has written and not said yet that it was committed."""

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        wrapper = context["connection"]
        is_write = not sql.lstrip().upper().startswith(READ_STATEMENTS)
        line = wrapper.connection
        if is_write and wrapper.in_atomic_block:
            self.uncommitted = line
            wrapper.on_commit(self.committed)
        try:
            answer = execute(sql, params, many, context)
        except Error:
            if is_connection_dead(line):
                # Within a transaction it ends before its commit; a statement that commits itself may have done so.
                self.uncommitted = None
                self.is_interrupted_in_write = self.is_interrupted_in_write or (
                    is_write and not wrapper.in_atomic_block
                )
            raise
        if is_write and not wrapper.in_atomic_block:
            self.is_stored = True
        return answer

    def committed(self) -> None:
        self.is_stored, self.uncommitted = True, None

    @property
    def may_be_stored(self) -> bool:
        return self.is_stored or self.is_interrupted_in_write or is_connection_dead(self.uncommitted)


def may_be_stored(request: Any) -> bool:
    """Would "not stored" be a lie? `dm_project.middleware.track_writes` puts the watch there."""
    watch: WriteWatch | None = getattr(request, "writes", None)
    return watch is not None and watch.may_be_stored


@contextmanager
def after_write() -> Iterator[None]:
    """What is asked after the write only adorns the answer. When it cannot be asked, nobody may hear "not stored".

    Raises: UnknownResult.
    """
    try:
        yield
    except Error as error:
        refusal_for(error)
        raise UnknownResult(retry_after_ms=RETRY_AFTER_MS) from error


def code_of(error: Exception) -> str | None:
    """PostgreSQL's code; None where it said nothing, because the connection ended or never was."""
    return getattr(error.__cause__, "sqlstate", None)
