"""Connections to PostgreSQL: kept while nobody needs them, refused at once while the database is away, given up when an answer takes too long.

Several hundred requests and sockets share one process. If each of them waited its own patience for a database that is gone, the last one
would hear of it minutes later (safety.md F9, F29).
"""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.errors import _WaitTimeout
from psycopg.pq import TransactionStatus

AT_MOST = 20
"""Connections of one process. The lanes of the sockets and the journal hold six of them."""
MOST_WAITING = 100
WAIT_SECONDS = 2.0
REST_SECONDS = 0.25
"""So long nobody tries again after a connection could not be made."""
IDLE_SECONDS = 300.0
STATEMENT_SECONDS = 5.0


@dataclass(slots=True)
class Patience:
    """How long a statement may take. None for ever: a migration, a dump and an operator's own question take what they need."""

    seconds: float | None = None


patience = Patience()


def serve_people() -> None:
    """From now on this process answers people, who would rather hear "busy" than wait for a frozen server or a line that has gone dead."""
    patience.seconds = STATEMENT_SECONDS


class PatientConnection(psycopg.Connection[Any]):
    """A server that is frozen keeps its connections and never answers; its own statement_timeout is frozen with it."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None or patience.seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, patience.seconds)
        except _WaitTimeout:
            # What the answer belongs to is unknown from here on: never to be used again.
            self.pgconn.finish()
            raise psycopg.OperationalError("connection given up: no answer in time") from None


@dataclass(slots=True)
class Idle:
    connection: psycopg.Connection[Any]
    since: float = field(default_factory=time.monotonic)


class Pool:
    """At most AT_MOST connections, made by whoever needs one. What Django's back end calls has the names of psycopg_pool.

    Args:
        connect: makes a connection, or raises psycopg.Error.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self.connect = connect
        self.idle: deque[Idle] = deque()
        self.slots = threading.Semaphore(AT_MOST)
        self.lock = threading.Lock()
        self.waiting = 0
        self.resting_until = 0.0
        self.is_closed = False

    def open(self) -> None:
        """Nothing: the first who asks connects."""

    def getconn(self) -> psycopg.Connection[Any]:
        """A connection that lives, to be given back with `putconn`.

        Raises:
            psycopg.OperationalError: the database is away; or all connections are in use, and so many wait for one or waited so long.
        """
        self.require_not_resting()
        self.take_slot()
        try:
            found = self.kept() or self.made()
        except BaseException:
            self.slots.release()
            raise
        found._pool = self  # type: ignore[assignment]
        return found

    def putconn(self, connection: psycopg.Connection[Any]) -> None:
        connection._pool = None
        try:
            if is_at_rest(connection) and not self.is_closed:
                self.idle.append(Idle(connection))
            else:
                connection.close()
            self.forget_old()
        finally:
            self.slots.release()

    def close(self) -> None:
        self.is_closed = True
        while self.idle:
            self.idle.popleft().connection.close()

    def require_not_resting(self) -> None:
        if time.monotonic() < self.resting_until:
            raise psycopg.OperationalError("no connection: the database was away a moment ago")

    def take_slot(self) -> None:
        if self.slots.acquire(blocking=False):
            return
        with self.lock:
            if self.waiting >= MOST_WAITING:
                raise psycopg.OperationalError("no connection: too many wait for one")
            self.waiting += 1
        try:
            if not self.slots.acquire(timeout=WAIT_SECONDS):
                raise psycopg.OperationalError("no connection became free in time")
        finally:
            with self.lock:
                self.waiting -= 1

    def kept(self) -> psycopg.Connection[Any] | None:
        """The one used last that still lives. After a restart of the server all of them are dead, and must not fail one request each."""
        while self.idle:
            try:
                found = self.idle.pop().connection
            except IndexError:
                return None
            if is_quiet(found):
                return found
            found.close()
        return None

    def made(self) -> psycopg.Connection[Any]:
        # Again, because several may have waited for one failure.
        self.require_not_resting()
        try:
            return self.connect()
        except psycopg.Error:
            self.resting_until = time.monotonic() + REST_SECONDS
            raise

    def forget_old(self) -> None:
        while self.idle and time.monotonic() - self.idle[0].since > IDLE_SECONDS:
            self.idle.popleft().connection.close()


def is_at_rest(connection: psycopg.Connection[Any]) -> bool:
    """Nothing begun; what was begun is undone."""
    if connection.closed:
        return False
    if connection.info.transaction_status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
        try:
            connection.rollback()
        except psycopg.Error:
            return False
    return connection.info.transaction_status == TransactionStatus.IDLE


def is_quiet(connection: psycopg.Connection[Any]) -> bool:
    """A server has nothing to say on an idle connection except goodbye. Asks the kernel, not the server."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)
