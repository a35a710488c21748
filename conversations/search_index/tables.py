"""What the search index has beyond Django's tables: FTS5 with its triggers on SQLite, GIN on PostgreSQL.

The migrations call it, and `recreate` does before everything is indexed again.
"""

from __future__ import annotations

import sqlite3
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
# Without it, a removed word stays readable in the file until a merge drops it.
SECURE_DELETE = "INSERT INTO search_fts(search_fts, rank) VALUES ('secure-delete', 1)"
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
        statements = (*SQLITE, SECURE_DELETE) if has_secure_delete() else SQLITE
    run(connection, statements)


def drop(connection: Any) -> None:
    run(connection, DROP[connection.vendor])


def recreate(connection: Any) -> None:
    """An empty index. The caller has a transaction."""
    drop(connection)
    empty = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
    run(connection, (f"{empty} search_row", f"{empty} search_progress"))
    create(connection)


def run(connection: Any, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def drop_removed_words(connection: Any) -> None:
    """Take removed words out of the file where FTS5 cannot do it at once. Housekeeping calls it within a
    minute of a deletion; it reads and writes the whole index."""
    if connection.vendor == "sqlite" and not has_secure_delete():
        run(connection, ("INSERT INTO search_fts(search_fts) VALUES ('optimize')",))
