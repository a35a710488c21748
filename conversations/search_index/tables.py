"""What the search index has beyond Django's tables: FTS5 with its triggers on SQLite, GIN on PostgreSQL.

The migrations call it, and `recreate` does before everything is indexed again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

FIRST_SECURE_DELETE = (3, 42, 0)
# The tokens are made in Python: FTS5 only splits at the spaces between them. `ascii` takes every letter
# beyond ASCII as it is; "_" begins the tokens of conversations and people, which no query can contain.
# Prefixes of two to four letters are terms of their own: without them, "th" reads the rows of all people.
FTS = """
CREATE VIRTUAL TABLE search_fts USING fts5(
    text, content='search_row', content_rowid='id', columnsize=0, prefix='2 3 4',
    tokenize="ascii tokenchars '_'"
)
"""
# By triggers, so that no way of removing a row can leave its words in the index.
SQLITE = (
    FTS,
    "INSERT INTO search_fts(search_fts, rank) VALUES ('automerge', 8)",
    "CREATE TRIGGER search_row_added AFTER INSERT ON search_row BEGIN"
    " INSERT INTO search_fts(rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER search_row_removed AFTER DELETE ON search_row BEGIN"
    " INSERT INTO search_fts(search_fts, rowid, text) VALUES ('delete', old.id, old.text); END",
)
# Without it, a removed word stays readable in the file until everything is merged. Where this SQLite does not
# have it, the removed rows are counted, so that a job knows when to merge.
SECURE_DELETE = ("INSERT INTO search_fts(search_fts, rank) VALUES ('secure-delete', 1)",)
COUNT_REMOVALS = (
    "CREATE TABLE search_removals (removed INTEGER NOT NULL, dropped INTEGER NOT NULL)",
    "INSERT INTO search_removals VALUES (0, 0)",
    "CREATE TRIGGER search_row_counted AFTER DELETE ON search_row BEGIN"
    " UPDATE search_removals SET removed = removed + 1; END",
)
MERGE_PAGES = 64
"""Pages of about 4 kB that one transaction of a merge writes: senders wait for it."""
READABLE_FORMAT = 4
"""The format of FTS5 that every SQLite reads. One with secure-delete writes 5."""
MAKE_READABLE = ("UPDATE search_fts_config SET v = 4 WHERE k = 'version'",)
# The list of rows that wait for their place in the index is read by every search: keep it short.
POSTGRESQL = (
    "CREATE INDEX search_row_text ON search_row USING gin (text) WITH (gin_pending_list_limit = 256)",
    "CREATE INDEX search_row_of_room ON search_row (conversation_id, id DESC)",
    "CREATE INDEX search_row_of_low ON search_row (low_id, id DESC)",
    "CREATE INDEX search_row_of_high ON search_row (high_id, id DESC)",
)
DROP = {
    "sqlite": (
        "DROP TRIGGER IF EXISTS search_row_added",
        "DROP TRIGGER IF EXISTS search_row_removed",
        "DROP TRIGGER IF EXISTS search_row_counted",
        "DROP TABLE IF EXISTS search_removals",
        "DROP TABLE IF EXISTS search_fts",
    ),
    "postgresql": (
        "DROP INDEX IF EXISTS search_row_text",
        "DROP INDEX IF EXISTS search_row_of_room",
        "DROP INDEX IF EXISTS search_row_of_low",
        "DROP INDEX IF EXISTS search_row_of_high",
    ),
}


def has_secure_delete() -> bool:
    """Does this SQLite remove words from FTS5 at once?"""
    return sqlite3.sqlite_version_info >= FIRST_SECURE_DELETE


def create(connection: Any) -> None:
    """The index over a `search_row` that is empty."""
    statements: tuple[str, ...] = POSTGRESQL
    if connection.vendor == "sqlite":
        statements = (*SQLITE, *(SECURE_DELETE if has_secure_delete() else COUNT_REMOVALS))
    run(connection, statements)


def drop(connection: Any) -> None:
    if connection.vendor == "sqlite" and index_settings(connection).get("version", 0) > READABLE_FORMAT:
        # An older SQLite cannot even drop a newer format. Only this number is in its way.
        run(connection, MAKE_READABLE)
    run(connection, DROP[connection.vendor])


def recreate(connection: Any) -> None:
    """An empty index. The caller has a transaction."""
    drop(connection)
    empty = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
    run(connection, (f"{empty} search_row", f"{empty} search_progress"))
    create(connection)


def is_of_this_sqlite(connection: Any) -> bool:
    """Does the index work as this SQLite would create it? A copied file may come from another one, or
    Python from another version: then words would stay after a deletion, or nothing could be deleted."""
    if connection.vendor != "sqlite":
        return True
    return bool(index_settings(connection).get("secure-delete", 0)) is has_secure_delete()


def index_settings(connection: Any) -> dict[str, int]:
    """What the file says about the FTS5 table; empty without one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'search_fts_config'")
        if cursor.fetchone() is None:
            return {}
        cursor.execute("SELECT k, v FROM search_fts_config")
        return dict(cursor.fetchall())


def run(connection: Any, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


# --- Where FTS5 has no secure-delete ---


def has_removed_words(connection: Any) -> bool:
    """Does the file contain words that were removed from the index? One row is read."""
    if connection.vendor != "sqlite" or has_secure_delete():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT removed > dropped FROM search_removals")
        return bool(cursor.fetchone()[0])


def drop_removed_words(connection: Any, pause: Callable[[float], object] = lambda taken: None) -> None:
    """Merge the whole index, which leaves out what was removed. Interrupted, it begins again the next time.

    Args:
        pause: called with the duration of each transaction.
    """
    if not has_removed_words(connection):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT removed FROM search_removals")
        (removed,) = cursor.fetchone()
        pages = -MERGE_PAGES  # The first one takes everything into the merge, the following ones go on.
        while True:
            started, before = time.monotonic(), connection.connection.total_changes
            cursor.execute("INSERT INTO search_fts(search_fts, rank) VALUES ('merge', %s)", [pages])
            # One change is the command itself.
            if connection.connection.total_changes - before < 2:
                break
            pages = MERGE_PAGES
            pause(time.monotonic() - started)
        cursor.execute("UPDATE search_removals SET dropped = %s", [removed])
