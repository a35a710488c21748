"""The back end that `DATABASE_URL=postgres://...` names; Django looks for DatabaseWrapper in this module.

Everything is Django's own except where connections come from.
"""

from __future__ import annotations

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from dm_project.postgres.connections import PatientConnection, Pool

_pools: dict[str, Pool] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    """One for each thread; all of them share the pool of their alias."""

    alias: str

    @property
    def pool(self) -> Pool | None:
        if self.alias == NO_DB_ALIAS:
            return None
        if self.alias not in _pools:
            _pools.setdefault(self.alias, Pool(self.connect_anew))
        return _pools[self.alias]

    def connect_anew(self) -> PatientConnection:
        found = PatientConnection.connect(**{**self.get_connection_params(), "autocommit": True})
        self._configure_connection(found)  # type: ignore[attr-defined]
        return found

    def close_pool(self) -> None:
        pool = _pools.pop(self.alias, None)
        if pool is not None:
            pool.close()
