"""Connections to PostgreSQL that are given up when an answer takes too long."""

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
LIMITS_OF_SERVER = {
    # Above our own patience for a statement, for backends that work on after their client has given up.
    "statement_timeout": "6s",
    # A row that somebody else holds: whoever waits for it gives up before the client does, or the backends that wait would pile up.
    "lock_timeout": "2s",
    # A process that was stopped, or a machine that vanished, inside a transaction: its rows are free again after this.
    "idle_in_transaction_session_timeout": "10s",
    # A client that has gone is noticed while its statement runs. Since PostgreSQL 14, and not on every system.
    "client_connection_check_interval": "2s",
}
"""Set on every connection that serves people. A value named in DATABASE_URL (`options=-c lock_timeout=...`) wins."""


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

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> PatientConnection:
        connection = super().connect(conninfo, **kwargs)
        if patience.seconds is not None:
            try:
                connection.limit_server(str(kwargs.get("options", "")) + conninfo)
            except BaseException:
                connection.close()
                raise
        return connection

    def limit_server(self, named: str) -> None:
        """By statements and not by libpq's options: poolers refuse those, and an old server would refuse the whole connection."""
        was_autocommit = self.autocommit
        self.autocommit = True
        for name, value in LIMITS_OF_SERVER.items():
            if name in named:
                continue
            try:
                self.execute("SELECT set_config(%s, %s, false)", (name, value))
            except (UndefinedObject, InvalidParameterValue, InsufficientPrivilege) as error:
                # This server, or its system, does not have it: the others help without it.
                logger.info("the database does without %s (%s)", name, type(error).__name__)
        self.autocommit = was_autocommit

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """The pool asks each connection `""` before it gives it away. After a restart of the server all that it keeps are dead, and it finds
        out one by one with pauses of a second and more between: the first request would wait in vain.
        """
        began = time.monotonic()
        try:
            return super().execute(query, params, **options)
        except psycopg.OperationalError:
            # One that failed late is a frozen server: asking the others would take as long for each.
            if query == "" and time.monotonic() - began < QUICK_SECONDS:
                self.replace_dead_neighbours()
            raise

    def replace_dead_neighbours(self) -> None:
        pool: Any = self._pool
        if pool is not None and not getattr(_replacing, "is_on", False):
            _replacing.is_on = True
            try:
                pool.check()
            finally:
                _replacing.is_on = False

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None or patience.seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, patience.seconds)
        except _WaitTimeout:
            # What the answer belongs to is unknown from here on: never to be used again.
            self.pgconn.finish()
            raise psycopg.OperationalError("connection given up: no answer in time") from None
