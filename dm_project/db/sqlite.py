"""Selects the SQLite library before Django loads one.

Versions 3.7.0 to 3.51.2 can corrupt a WAL database when several connections write and checkpoint at the same
time. Where the standard library contains one of them, `pysqlite3` (a pinned wheel with a newer SQLite)
replaces it; where there is no such wheel, the journal mode falls back to TRUNCATE, which the bug does not
affect.
"""

import sqlite3
import sys
from typing import Any

COLUMNS, VARIABLES = 2, 9
DEFAULTS = {COLUMNS: 2_000, VARIABLES: 32_766}
"""SQLite's numbers of two limits, and their default values."""
FIRST_FIXED = (3, 51, 3)


def use_fixed_sqlite() -> bool:
    """Replace the standard SQLite by one without the WAL bug, if there is one.

    Returns:
        True when the SQLite in use is safe in WAL mode.
    """
    if sqlite3.sqlite_version_info >= FIRST_FIXED:
        return True
    try:
        import pysqlite3
    except ImportError:
        return False
    if pysqlite3.sqlite_version_info < FIRST_FIXED:
        return False
    for module in (pysqlite3.dbapi2, pysqlite3):
        add_getlimit(module)
    # Django's backend does `from sqlite3 import dbapi2`, so both names must refer to the same library.
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
    return True


def add_getlimit(library: Any) -> None:
    """From 6.1 on, Django asks each connection for its limits of variables and columns; pysqlite3 has no
    method for that.
    """
    if hasattr(library.Connection, "getlimit"):
        return

    class Connection(library.Connection):  # type: ignore[misc]
        def getlimit(self, category: int) -> int:
            return DEFAULTS[category]

    plain = library.connect
    library.SQLITE_LIMIT_COLUMN, library.SQLITE_LIMIT_VARIABLE_NUMBER = COLUMNS, VARIABLES
    library.connect = lambda *args, **options: plain(*args, **{"factory": Connection, **options})
