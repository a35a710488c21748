"""Chooses the SQLite library before Django loads one.

Versions 3.7.0 to 3.51.2 can corrupt a WAL database when several connections write and checkpoint at one moment. Where the
standard library carries one of them, `pysqlite3` (a pinned wheel with a newer SQLite) takes its place; where there is no such wheel,
the journal falls back to TRUNCATE, which the fault does not touch.
"""

import sqlite3
import sys
from typing import Any

COLUMNS, VARIABLES = 2, 9
DEFAULTS = {COLUMNS: 2_000, VARIABLES: 32_766}
"""SQLite's own numbers of two limits, and what they are where nobody changed them."""
FIRST_FIXED = (3, 51, 3)


def use_fixed_sqlite() -> bool:
    """Put a SQLite without the WAL fault in place of the standard one, if there is one.

    Returns:
        True when the SQLite in use may run in WAL mode.
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
        give_limits(module)
    # Django's back end does `from sqlite3 import dbapi2`, so both names must lead to the same library.
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
    return True


def give_limits(library: Any) -> None:
    """Django from 6.1 on asks a connection how many variables and columns a statement may have, and pysqlite3 cannot be asked."""
    if hasattr(library.Connection, "getlimit"):
        return

    class Connection(library.Connection):  # type: ignore[misc]
        def getlimit(self, category: int) -> int:
            return DEFAULTS[category]

    plain = library.connect
    library.SQLITE_LIMIT_COLUMN, library.SQLITE_LIMIT_VARIABLE_NUMBER = COLUMNS, VARIABLES
    library.connect = lambda *args, **options: plain(*args, **{"factory": Connection, **options})
