"""SQL of the search index: set-based statements, the same on SQLite and PostgreSQL where that is possible.

They contain words of messages: nothing here is ever logged.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from conversations.search_index.queries import Query, Term
from conversations.search_index.words import has_spaceless

Key = tuple[int, int]
"""A message: (conversation, seq)."""

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
BITS = 16
"""Low bits of a row's id; the others are its time in milliseconds."""
SPILL_MS = 1_000
LAST_ID = 2**63 - 1
MOST_POSITIONS, LAST_POSITION = 255, 16_383
"""Bounds of PostgreSQL's tsvector."""
PREFIX_LENGTHS = (2, 3, 4)
"""Beginnings of words that PostgreSQL indexes as terms of their own, as FTS5 does (`tables.FTS`)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message for the index."""

    conversation_id: int
    seq: int
    low_id: int
    high_id: int
    created_at: datetime
    tokens: Sequence[str]

    @property
    def key(self) -> Key:
        return self.conversation_id, self.seq

    @property
    def first_id(self) -> int:
        """The id of its row, unless another row has it. A conversation has at most one message a
        millisecond."""
        since = self.created_at - EPOCH
        milliseconds = (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
        return (milliseconds << BITS) | (self.conversation_id & ((1 << BITS) - 1))

    @property
    def scope(self) -> list[str]:
        return [in_room(self.conversation_id), of_person(self.low_id), of_person(self.high_id)]


def in_room(conversation_id: int) -> str:
    """The token of all messages of a conversation. No typed word contains "_"."""
    return f"_c{conversation_id}"


def of_person(user_id: int) -> str:
    """The token of all messages that a user sent or received."""
    return f"_p{user_id}"


# --- Writing ---


def insert(entries: Collection[Entry]) -> None:
    """Add these messages. One that is in the index already stays: its text has not changed, or the change
    would have removed it."""
    ids: dict[int, Entry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.first_id, entry.key)):
        id = entry.first_id
        while id in ids:
            id += 1
        ids[id] = entry
    missing = insert_with(ids)
    if missing:
        insert_with(free_ids(missing))


def insert_with(ids: dict[int, Entry]) -> list[Entry]:
    """Returns the entries that are not in the index because another row has their id."""
    if not ids:
        return []
    row = "(%s, %s, %s, %s, %s, %s::tsvector)" if is_postgresql() else "(%s, %s, %s, %s, %s, %s)"
    sql = (
        "INSERT INTO search_row (id, conversation_id, seq, low_id, high_id, text)"
        f" VALUES {', '.join([row] * len(ids))} ON CONFLICT DO NOTHING"
    )
    text = vector if is_postgresql() else plain
    values = [
        value
        for id, entry in ids.items()
        for value in (id, entry.conversation_id, entry.seq, entry.low_id, entry.high_id, text(entry))
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        if cursor.rowcount == len(ids):
            return []
    present = existing([entry.key for entry in ids.values()])
    return [entry for entry in ids.values() if entry.key not in present]


def free_ids(entries: Iterable[Entry]) -> dict[int, Entry]:
    """Ids behind those that are used in the same millisecond. Needed where many messages have one time, as
    imported ones may."""
    groups: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.first_id >> BITS].append(entry)
    ids: dict[int, Entry] = {}
    with connection.cursor() as cursor:
        for milliseconds, group in groups.items():
            cursor.execute(
                "SELECT MAX(id) FROM search_row WHERE id >= %s AND id < %s",
                [milliseconds << BITS, (milliseconds + SPILL_MS) << BITS],
            )
            (last,) = cursor.fetchone()
            following = (milliseconds << BITS) if last is None else last + 1
            for entry in sorted(group, key=lambda entry: entry.key):
                while following in ids:
                    following += 1
                ids[following] = entry
    return ids


def existing(keys: Sequence[Key]) -> set[Key]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH wanted (conversation_id, seq) AS (VALUES {pairs(len(keys))})"
            " SELECT s.conversation_id, s.seq FROM wanted w"
            " JOIN search_row s ON s.conversation_id = w.conversation_id AND s.seq = w.seq",
            flat(keys),
        )
        return {(row[0], row[1]) for row in cursor.fetchall()}


def remove(keys: Sequence[Key]) -> None:
    """Remove the words of these messages, in the caller's transaction."""
    if not keys:
        return
    with connection.cursor() as cursor:
        # Not a row value in IN: SQLite would read the whole table.
        cursor.execute(
            f"WITH gone (conversation_id, seq) AS (VALUES {pairs(len(keys))})"
            " DELETE FROM search_row WHERE id IN (SELECT s.id FROM gone g"
            " JOIN search_row s ON s.conversation_id = g.conversation_id AND s.seq = g.seq)",
            flat(keys),
        )


def plain(entry: Entry) -> str:
    """The text for FTS5."""
    return " ".join([*entry.scope, *entry.tokens])


def vector(entry: Entry) -> str:
    """The tsvector, written out: PostgreSQL parses no text of users. Tokens have no quotes."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for index, token in enumerate(entry.tokens, start=1):
        if len(positions[token]) < MOST_POSITIONS:
            positions[token].append(min(index, LAST_POSITION))
    beginnings = {start for token in positions for start in starts_of(token)}
    parts = [f"'{token}'" for token in (*entry.scope, *beginnings)]
    parts += [f"'{token}':{','.join(map(str, places))}" for token, places in positions.items()]
    return " ".join(parts)


def starts_of(token: str) -> list[str]:
    """The terms by which the beginning of a token is found."""
    if has_spaceless(token):
        return [f"<{token[:1]}"]
    return [f"<{token[:length]}" for length in PREFIX_LENGTHS if length <= len(token)]


# --- Reading ---


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that the index names; whether the user may see it is judged on its row."""

    id: int
    conversation_id: int
    seq: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose messages are searched: all of one person, or those of one conversation of theirs."""

    user_id: int
    conversation_id: int | None = None

    @property
    def token(self) -> str:
        return of_person(self.user_id) if self.conversation_id is None else in_room(self.conversation_id)


def usable(query: Query) -> list[Term]:
    """The terms without beginnings of one letter: they are in nearly every message, and are compared with the
    few texts that the other terms find."""
    terms = []
    for term in query.indexed:
        last = term.tokens[-1]
        if term.is_prefix and len(last) == 1 and not has_spaceless(last):
            term = Term(term.tokens[:-1])
        if term.tokens:
            terms.append(term)
    return terms


def hits(scope: Scope, query: Query, *, before: int = LAST_ID, limit: int) -> list[Hit]:
    """The newest messages whose id is below `before`. May contain some that lack one of the terms."""
    terms = usable(query)
    if not terms:
        return []
    found = (
        newest_postgresql(scope, terms, before, limit)
        if is_postgresql()
        else newest_sqlite(scope, terms, before, limit)
    )
    return [Hit(*row) for row in found]


def newest_sqlite(scope: Scope, terms: Sequence[Term], before: int, limit: int) -> list[tuple[int, ...]]:
    """FTS5 merges the lists of the terms from the newest row down, and stops at the limit."""
    expression = " AND ".join([f'"{scope.token}"', *map(fts, terms)])
    with interrupted_after(SQLITE_SECONDS), connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, s.conversation_id, s.seq FROM search_fts f"
            " CROSS JOIN search_row s ON s.id = f.rowid"
            " WHERE f.search_fts MATCH %s AND f.rowid < %s ORDER BY f.rowid DESC LIMIT %s",
            [expression, before, limit],
        )
        return list(cursor.fetchall())


SQLITE_SECONDS = 2.0
"""A search that takes longer ends as busy. FTS5 may have to read all messages of a user for words that each
is common and that no message has together; on PostgreSQL, the timeout of statements ends that."""


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """End the statement of this thread's SQLite connection that runs then.

    Raises: django.db.OperationalError.
    """
    connection.ensure_connection()
    lock, ended, driver = threading.Lock(), [False], connection.connection

    def interrupt() -> None:
        # Under the lock, so that it never hits a later statement.
        with lock:
            if not ended[0]:
                driver.interrupt()

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            ended[0] = True


def fts(term: Term) -> str:
    """The term in the syntax of FTS5. Quoted, so that no word is an operator; tokens have no quotes."""
    return f'"{" ".join(term.tokens)}"{" *" if term.is_prefix else ""}'


WALK, LONGEST_WALK = 400, 6_000
"""Of so many newest rows PostgreSQL looks at every one, before it asks the index."""


def newest_postgresql(scope: Scope, terms: Sequence[Term], before: int, limit: int) -> list[tuple[int, ...]]:
    """GIN knows no order: it would find all messages with a common word before the newest can be taken.

    So the newest rows are compared first: a word that is common fills the page from them, and a word that
    does not is rare enough for the index.
    """
    expression = " & ".join([f"'{scope.token}'", *map(tsquery, terms)])
    found = walk_postgresql(scope, expression, before, limit, WALK)
    if len(found) < limit and len(found) * LONGEST_WALK > limit * WALK:
        found = walk_postgresql(scope, expression, before, limit, LONGEST_WALK)
    if len(found) >= limit:
        return found
    with connection.cursor() as cursor:
        # Materialized, or the planner may read the rows by id and hope for the first ones.
        cursor.execute(
            "WITH found AS MATERIALIZED (SELECT id, conversation_id, seq FROM search_row"
            " WHERE text @@ %s::tsquery)"
            " SELECT id, conversation_id, seq FROM found WHERE id < %s ORDER BY id DESC LIMIT %s",
            [expression, before, limit],
        )
        return list(cursor.fetchall())


def walk_postgresql(
    scope: Scope, expression: str, before: int, limit: int, rows: int
) -> list[tuple[int, ...]]:
    newest = (
        "(SELECT id, conversation_id, seq, text FROM search_row WHERE {} = %s AND id < %s"
        " ORDER BY id DESC LIMIT %s)"
    )
    columns: tuple[str, ...] = ("low_id", "high_id")
    whose = scope.user_id
    if scope.conversation_id is not None:
        columns, whose = ("conversation_id",), scope.conversation_id
    sources = " UNION ALL ".join(newest.format(column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH newest AS MATERIALIZED (SELECT * FROM ({sources}) both_sides ORDER BY id DESC LIMIT %s)"
            " SELECT id, conversation_id, seq FROM newest WHERE text @@ %s::tsquery"
            " ORDER BY id DESC LIMIT %s",
            [*[whose, before, rows] * len(columns), rows, expression, limit],
        )
        return list(cursor.fetchall())


def tsquery(term: Term) -> str:
    """The term in the syntax of a tsquery, every token quoted; tokens have no quotes."""
    exact = term.tokens[:-1] if term.is_prefix else term.tokens
    parts = [" <-> ".join(f"'{token}'" for token in exact)] if exact else []
    if term.is_prefix:
        last = term.tokens[-1]
        is_term = has_spaceless(last) or len(last) <= PREFIX_LENGTHS[-1]
        parts.append(f"'<{last}'" if is_term else f"'{last}':*")
    return f"({' & '.join(parts)})"


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def pairs(count: int) -> str:
    first = "(%s::bigint, %s::bigint)" if is_postgresql() else "(%s, %s)"
    return ", ".join([first, *["(%s, %s)"] * (count - 1)])


def flat(keys: Sequence[Key]) -> list[int]:
    return [number for key in keys for number in key]
