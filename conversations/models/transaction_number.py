"""Transaction numbers: order changes without a clock, so that the poller knows which commits it has not
seen."""

from __future__ import annotations

from typing import Any

from django.db import models


class NextMove(models.Func):
    """PostgreSQL: the number of this transaction, which can be compared with a snapshot. SQLite, which has
    one writer at a time: the largest number so far plus one."""

    output_field = models.BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="(SELECT COALESCE(MAX(moved), 0) + 1 FROM conversation)", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="txid_current()", **context)
