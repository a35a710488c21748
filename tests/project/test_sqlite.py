"""The replacement of the standard library's SQLite has every method that Django calls."""

import sqlite3

from django.db.backends.sqlite3.base import Database

from dm_project.db.sqlite import use_fixed_sqlite


def test_a_connection_knows_its_limits() -> None:
    """Django calls it from 6.1 on; pysqlite3 has no `getlimit`."""
    use_fixed_sqlite()
    for library in (Database, sqlite3):
        connection = library.connect(":memory:")
        assert connection.getlimit(library.SQLITE_LIMIT_VARIABLE_NUMBER) >= 999
        assert connection.getlimit(library.SQLITE_LIMIT_COLUMN) >= 100
        # And the limit is correct.
        most = connection.getlimit(library.SQLITE_LIMIT_VARIABLE_NUMBER)
        assert connection.execute(f"SELECT 1 WHERE 1 IN ({','.join('?' * most)})", [1] * most).fetchone() == (
            1,
        )
        connection.close()
