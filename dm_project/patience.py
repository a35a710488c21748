"""Connections to PostgreSQL that are given up when an answer takes too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import _WaitTimeout

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
