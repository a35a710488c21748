"""The SQLite that takes the place of the standard library's answers all that Django asks."""

import sqlite3

from django.db.backends.sqlite3.base import Database

from dm_project.db.sqlite import use_fixed_sqlite


def test_a_connection_knows_how_much_a_statement_may_hold() -> None:
    """Django from 6.1 on asks; pysqlite3 has no `getlimit`."""
    use_fixed_sqlite()
    for library in (Database, sqlite3):
        connection = library.connect(":memory:")
        assert connection.getlimit(library.SQLITE_LIMIT_VARIABLE_NUMBER) >= 999
        assert connection.getlimit(library.SQLITE_LIMIT_COLUMN) >= 100
        # And it is true.
        most = connection.getlimit(library.SQLITE_LIMIT_VARIABLE_NUMBER)
        assert connection.execute(f"SELECT 1 WHERE 1 IN ({','.join('?' * most)})", [1] * most).fetchone() == (
            1,
        )
        connection.close()
