"""PostgreSQL connections with a client-side statement timeout, and server-side timeouts set on connect."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue, UndefinedObject, _WaitTimeout

logger = logging.getLogger(__name__)

STATEMENT_SECONDS = 5.0
QUICK_SECONDS = 0.5
_replacing = threading.local()
SERVER_TIMEOUTS = {
    # Above our own statement timeout, for backends that go on after their client has given up.
    "statement_timeout": "6s",
    # For a row that another transaction has locked: below the client's timeout, or waiting backends would
    # pile up.
    "lock_timeout": "2s",
    # For a process that was stopped, or a machine that vanished, inside a transaction: its row locks are
    # released after this.
    "idle_in_transaction_session_timeout": "10s",
    # A lost client is noticed while its statement runs. Since PostgreSQL 14, and not on every system.
    "client_connection_check_interval": "2s",
}
"""Set on every connection of the server process. A value in DATABASE_URL (`options=-c lock_timeout=...`)
wins."""


@dataclass(slots=True)
class StatementTimeout:
    """None means no timeout: a migration, a dump and an operator's own query take as long as they need."""

    seconds: float | None = None


statement_timeout = StatementTimeout()


def enable_timeouts() -> None:
    """For the server process, whose clients should get "busy" rather than wait for a frozen database or a
    dead connection.
    """
    statement_timeout.seconds = STATEMENT_SECONDS


class TimeoutConnection(psycopg.Connection[Any]):
    """A frozen PostgreSQL keeps its connections open and never answers; its own statement_timeout is frozen
    too.
    """

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> TimeoutConnection:
        connection = super().connect(conninfo, **kwargs)
        if statement_timeout.seconds is not None:
            try:
                connection.set_server_timeouts(str(kwargs.get("options", "")) + conninfo)
            except BaseException:
                connection.close()
                raise
        return connection

    def set_server_timeouts(self, configured: str) -> None:
        """By statements, not by libpq's options: poolers reject those, and an old PostgreSQL would reject the
        connection.
        """
        was_autocommit = self.autocommit
        self.autocommit = True
        for name, value in SERVER_TIMEOUTS.items():
            if name in configured:
                continue
            try:
                self.execute("SELECT set_config(%s, %s, false)", (name, value))
            except (UndefinedObject, InvalidParameterValue, InsufficientPrivilege) as error:
                # This version, or its system, does not support it: the other timeouts work without it.
                logger.info("the database does not support %s (%s)", name, type(error).__name__)
        self.autocommit = was_autocommit

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """The pool checks each connection with the query `""` before it hands it out. After a restart of
        PostgreSQL all pooled connections are dead, and the pool replaces them one by one, with pauses of a
        second and more: the first request would time out.
        """
        began = time.monotonic()
        try:
            return super().execute(query, params, **options)
        except psycopg.OperationalError:
            # A late failure means a frozen server: checking the others would take as long for each.
            if query == "" and time.monotonic() - began < QUICK_SECONDS:
                self.replace_dead_connections()
            raise

    def replace_dead_connections(self) -> None:
        pool: Any = self._pool
        if pool is not None and not getattr(_replacing, "is_on", False):
            _replacing.is_on = True
            try:
                pool.check()
            finally:
                _replacing.is_on = False

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None or statement_timeout.seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, statement_timeout.seconds)
        except _WaitTimeout:
            # An answer may still arrive and would be taken for that of the next query: never use this
            # connection again.
            self.pgconn.finish()
            raise psycopg.OperationalError("statement timeout: the connection was closed") from None
