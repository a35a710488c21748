"""The number that says when a conversation moved, without a clock: of two commits the poller can tell which one it has not seen yet."""

from __future__ import annotations

from typing import Any

from django.db import models


class NextMove(models.Func):
    """PostgreSQL: the number of this transaction, which a snapshot can be asked about. SQLite, where writers come one after the other: one
    more than the largest so far."""

    output_field = models.BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="(SELECT COALESCE(MAX(moved), 0) + 1 FROM conversation)", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="txid_current()", **context)
