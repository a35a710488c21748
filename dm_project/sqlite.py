"""Chooses the SQLite library before Django loads one.

Versions 3.7.0 to 3.51.2 can corrupt a WAL database when several connections write and checkpoint at one moment. Where the
standard library carries one of them, `pysqlite3` (a pinned wheel with a newer SQLite) takes its place; where there is no such wheel,
the journal falls back to TRUNCATE, which the fault does not touch.
"""

import sqlite3
import sys

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
    # Django's back end does `from sqlite3 import dbapi2`, so both names must lead to the same library.
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
    return True
