"""Database errors and the circuit breaker: unavailable, full, or cut off in the middle of a write.

Judged by the driver's own codes and phrases only. They are never shown, because other errors quote the row.
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
"""Statements that store nothing. BEGIN counts: on SQLite Django sends it as a statement of its own, outside
of any transaction."""
TRANSIENT_ERRORS = (OperationalError, InterfaceError)
"""Errors that may pass; other database errors come from the command itself."""
RETRY_AFTER_MS = 1_000
DISK_FULL_CODES = {"53100", "58030"}
UNAVAILABLE_CLASSES = {"08", "53", "57", "58"}
"""PostgreSQL: connection, resources, operator intervention, system error."""
LOCK_TIMEOUT_CODE = "55P03"
UNAVAILABLE_CODES = {"25006", LOCK_TIMEOUT_CODE}
"""Read-only since a fail-over; a lock that was not granted in time."""
DISK_FULL_PHRASES = ("database or disk is full", "disk i/o error", "no space left on device")
"""SQLite reports a used-up quota, or a limit of the process, as an I/O error."""
UNAVAILABLE_PHRASES = ("locked", "readonly", "unable to open", *DISK_FULL_PHRASES)


@dataclass(slots=True)
class DiskFullState:
    seen_at: float | None = None


disk_full = DiskFullState()


@dataclass(slots=True)
class CircuitBreaker:
    """Guards new connections to PostgreSQL.

    Closed: every thread may connect. Open, after a failure: the threads fail at once. Half-open: the thread
    that holds `lock` tries to connect, and closes the breaker when it succeeds.
    """

    is_open: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


breaker = CircuitBreaker()


after_connecting: list[Callable[[], object]] = []
"""Called on each new connection of a thread that keeps its connection. It may lead to another database than
the one before, or to an older one."""
_opened_files: WeakKeyDictionary[Any, tuple[int, int] | None] = WeakKeyDictionary()
"""The file that each Django connection to SQLite has open."""


def ensure_connection() -> None:
    """Connect unless this thread is connected, through the breaker.

    Called where many wait in one queue: there the timeouts of the single connections would add up.

    Raises:
        django.db.OperationalError: no connection could be made, or another thread is trying just now.
    """
    if connection.vendor == "sqlite":
        close_replaced_file()
    if connection.connection is not None:
        return
    if connection.vendor == "postgresql":
        connect_through_breaker()
    for check in after_connecting:
        check()


def remember_file(sender: Any, connection: Any, **kwargs: Any) -> None:
    """Receiver of Django's signal for a new connection."""
    if connection.vendor == "sqlite":
        _opened_files[connection] = file_identity(connection)


def file_identity(connection: Any) -> tuple[int, int] | None:
    """Device and inode of the file with the database's name; None without a file, as in memory."""
    try:
        found = os.stat(connection.settings_dict["NAME"])
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def close_replaced_file() -> None:
    """Close the connection when another file has replaced the one it has open.

    That is a backup moved into place. The open file has no name any more, so everything written to it would
    be lost when the process ends.

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
    logger.warning("the file of the database was replaced; it is opened again")


def connect_through_breaker() -> None:
    """While the breaker is open, one thread at a time tries, and the others fail at once."""
    if not breaker.is_open:
        connection.ensure_connection()
        return
    if not breaker.lock.acquire(blocking=False):
        raise OperationalError("no connection: the database was unavailable a moment ago")
    try:
        connection.ensure_connection()
        breaker.is_open = False
    finally:
        breaker.lock.release()


def refusal_for(error: Exception) -> Busy:
    """The retryable refusal for a transient error. Opens the breaker when the server could not be reached."""
    if is_unavailable(error) and code_of(error) is None:
        breaker.is_open = True
    if is_full(error):
        disk_full.seen_at = time.monotonic()
        return StorageFull(retry_after_ms=RETRY_AFTER_MS)
    return Busy(type(error).__name__, retry_after_ms=RETRY_AFTER_MS)


def was_full_within(seconds: float) -> bool:
    """Has the database reported a full disk lately? For readiness: its disk may be on another machine."""
    return disk_full.seen_at is not None and time.monotonic() - disk_full.seen_at < seconds


def is_full(error: Exception) -> bool:
    return isinstance(error, TRANSIENT_ERRORS) and (
        code_of(error) in DISK_FULL_CODES or any(phrase in str(error).lower() for phrase in DISK_FULL_PHRASES)
    )


def is_unavailable(error: Exception) -> bool:
    """Would every other query fail in the same way now?"""
    if not isinstance(error, TRANSIENT_ERRORS):
        return False
    if connection.vendor == "postgresql":
        code = code_of(error)
        return code is None or code in UNAVAILABLE_CODES or code[:2] in UNAVAILABLE_CLASSES
    return any(phrase in str(error).lower() for phrase in UNAVAILABLE_PHRASES)


def current_connection() -> Any:
    """The connection that this thread has from earlier queries, if any."""
    return connection.connection


def is_connection_dead(before: Any) -> bool:
    """After an error: has this connection turned out to be dead? The server is not asked; it may be frozen.

    Pass the connection from before the error: when it leaves a transaction, Django may have made a new one
    already.
    """
    return connection.vendor == "postgresql" and before is not None and bool(before.closed)


def is_locked(error: Exception) -> bool:
    """Another transaction holds a row for too long. Nothing was stored, and the connection is good."""
    return isinstance(error, TRANSIENT_ERRORS) and code_of(error) == LOCK_TIMEOUT_CODE


class WriteWatch:
    """Watches what one request writes: would "not stored" be true if a later query failed?

    Django's execute_wrapper around every request that may change something. The journal writes on a
    connection of its own, so services answer for it themselves.
    """

    def __init__(self) -> None:
        self.is_stored = False
        self.is_interrupted_in_write = False
        self.uncommitted: Any = None
        """The connection of a transaction that has written and is not known to be committed."""

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        wrapper = context["connection"]
        is_write = not sql.lstrip().upper().startswith(READ_STATEMENTS)
        before = wrapper.connection
        if is_write and wrapper.in_atomic_block:
            self.uncommitted = before
            wrapper.on_commit(self.committed)
        try:
            answer = execute(sql, params, many, context)
        except Error:
            if is_connection_dead(before):
                # A transaction ended before its commit; a statement that commits itself may have done so.
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
    """Could "not stored" be untrue? `dm_project.middleware.track_writes` sets the watch."""
    watch: WriteWatch | None = getattr(request, "writes", None)
    return watch is not None and watch.may_be_stored


@contextmanager
def after_write() -> Iterator[None]:
    """Around queries after the write, which only complete the response.

    Their failure must not say "not stored".

    Raises: UnknownResult.
    """
    try:
        yield
    except Error as error:
        refusal_for(error)
        raise UnknownResult(retry_after_ms=RETRY_AFTER_MS) from error


def code_of(error: Exception) -> str | None:
    """PostgreSQL's error code; None when it sent none, because the connection ended or was never made."""
    return getattr(error.__cause__, "sqlstate", None)
