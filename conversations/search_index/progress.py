"""SQL of indexing: which conversations have changes that are not in the index, and the messages of these.

It contains message bodies: nothing here is ever logged.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from conversations.search_index.rows import EPOCH, is_postgresql


@dataclass(frozen=True, slots=True)
class Behind:
    """A conversation whose changes after version `indexed` are not in the index. `is_known`: it has a row in
    search_progress."""

    conversation_id: int
    low_id: int
    high_id: int
    head: int
    indexed: int
    is_known: bool


@dataclass(frozen=True, slots=True)
class Window:
    """The changes of one conversation with `after < version <= until`."""

    behind: Behind
    until: int


@dataclass(frozen=True, slots=True)
class IndexedMessage:
    """The columns of a message that its words depend on (`selectors.message_text`)."""

    conversation_id: int
    seq: int
    kind: str
    body: str
    attachments: object
    created_at: datetime
    deleted_at: object


def conversations_behind(
    *, limit: int, moved_from: int = 0, running: Sequence[int] = (), without: Collection[int] = ()
) -> list[Behind]:
    """Conversations whose head is ahead of the index.

    Args:
        moved_from, running: only those that changed in these transactions (`selectors.conversations.
            Position`), found by an index. Without them every conversation is compared.
        without: conversations to leave out.
    """
    conditions, values = ["c.head > COALESCE(p.version, 0)"], []
    if moved_from:
        among = f" OR c.moved IN ({marks(len(running))})" if running else ""
        conditions.append(f"(c.moved >= %s{among})")
        values += [moved_from, *running]
    if without:
        conditions.append(f"c.id NOT IN ({marks(len(without))})")
        values += without
    sql = (
        "SELECT c.id, c.low_id, c.high_id, c.head, p.version FROM conversation c"
        " LEFT JOIN search_progress p ON p.conversation_id = c.id"
        f" WHERE {' AND '.join(conditions)} ORDER BY c.id LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, limit])
        return [
            Behind(id, low_id, high_id, head, version or 0, version is not None)
            for id, low_id, high_id, head, version in cursor.fetchall()
        ]


def changes_behind() -> int:
    """How many changes are not in the index, of all conversations."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(SUM(c.head - COALESCE(p.version, 0)), 0) FROM conversation c"
            " LEFT JOIN search_progress p ON p.conversation_id = c.id WHERE c.head > COALESCE(p.version, 0)"
        )
        return int(cursor.fetchone()[0])


def messages_in(windows: Sequence[Window]) -> tuple[list[IndexedMessage], set[int]]:
    """The messages that are new or have changed in these windows, in their present state, and the
    conversations of which some could not be read.

    On PostgreSQL the rows are locked until the transaction ends, so that a deletion waits and then finds the
    words that are written now. A row that is being changed is left out: waiting for it could end in a
    deadlock. On SQLite the transaction is the only writer.
    """
    found: list[IndexedMessage] = []
    skipped: set[int] = set()
    values = parameters(windows)
    with connection.cursor() as cursor:
        for condition in (NEW, CHANGED):
            if not is_postgresql():
                cursor.execute(select(COLUMNS, condition, len(windows)), values)
                found += map(message_from, cursor.fetchall())
                continue
            cursor.execute(select("m.conversation_id, m.seq", condition, len(windows)), values)
            expected = set(cursor.fetchall())
            if expected:
                lock = " FOR NO KEY UPDATE OF m SKIP LOCKED"
                cursor.execute(select(COLUMNS, condition, len(windows)) + lock, values)
                rows = cursor.fetchall()
                found += map(message_from, rows)
                skipped |= {key[0] for key in expected - {(row[0], row[1]) for row in rows}}
    return found, skipped


def sizes_in(windows: Sequence[Window]) -> list[tuple[int, int, int]]:
    """(conversation, number of the change, characters) of each message that `messages_in` would return."""
    values = parameters(windows)
    found: list[tuple[int, int, int]] = []
    with connection.cursor() as cursor:
        for number, condition in (("m.seq", NEW), ("m.version", CHANGED)):
            columns = f"m.conversation_id, {number}, LENGTH(m.body)"
            cursor.execute(select(columns, condition, len(windows)), values)
            found += cursor.fetchall()
    return found


def parameters(windows: Sequence[Window]) -> list[int]:
    return [
        number
        for window in windows
        for number in (window.behind.conversation_id, window.behind.indexed, window.until)
    ]


COLUMNS = "m.conversation_id, m.seq, m.kind, m.body, m.attachments, m.created_at, m.deleted_at"
NEW = "m.seq > w.after AND m.seq <= w.until"
CHANGED = "m.version > m.seq AND m.version > w.after AND m.version <= w.until AND m.seq <= w.after"


def select(columns: str, condition: str, windows: int) -> str:
    first = "(%s::bigint, %s::bigint, %s::bigint)" if is_postgresql() else "(%s, %s, %s)"
    rows = ", ".join([first, *["(%s, %s, %s)"] * (windows - 1)])
    return (
        f"WITH w (conversation_id, after, until) AS (VALUES {rows}) SELECT {columns} FROM w"
        f" JOIN message m ON m.conversation_id = w.conversation_id AND {condition}"
        " ORDER BY m.conversation_id, m.seq"
    )


def message_from(row: Sequence[Any]) -> IndexedMessage:
    conversation_id, seq, kind, body, attachments, created_at, deleted_at = row
    return IndexedMessage(
        conversation_id, seq, kind, body, files_from(attachments), time_from(created_at), deleted_at
    )


def time_from(value: Any) -> datetime:
    """A corrupt row without a readable time must not keep all later messages out of the index (F30)."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        time = None
    if not isinstance(time, datetime):
        return EPOCH
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def files_from(value: object) -> object:
    """None of a corrupt row."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None


def advance(windows: Sequence[Window]) -> None:
    """Remember that these windows are indexed, unless another process has been here meanwhile."""
    known = [window for window in windows if window.behind.is_known]
    new = [window for window in windows if not window.behind.is_known]
    with connection.cursor() as cursor:
        if known:
            first = "(%s::bigint, %s::bigint, %s::bigint)" if is_postgresql() else "(%s, %s, %s)"
            rows = ", ".join([first, *["(%s, %s, %s)"] * (len(known) - 1)])
            cursor.execute(
                f"WITH w (conversation_id, after, until) AS (VALUES {rows})"
                " UPDATE search_progress SET version = w.until FROM w"
                " WHERE search_progress.conversation_id = w.conversation_id"
                " AND search_progress.version = w.after",
                parameters(known),
            )
        if new:
            cursor.execute(
                "INSERT INTO search_progress (conversation_id, version)"
                f" VALUES {', '.join(['(%s, %s)'] * len(new))} ON CONFLICT DO NOTHING",
                [number for window in new for number in (window.behind.conversation_id, window.until)],
            )


def marks(count: int) -> str:
    return ", ".join(["%s"] * count)
