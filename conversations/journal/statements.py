"""SQL of the journal: set-based statements, the same on SQLite and PostgreSQL.

They contain message bodies: nothing here is ever logged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

from conversations.models import Message


@dataclass(slots=True)
class ConversationRow:
    id: int
    low_id: int
    high_id: int
    room_name: str
    head: int
    is_blocked: bool
    is_met: bool
    state: str
    changed_at: datetime
    head_before: int = 0
    """The head when the row was locked: messages up to here are in the database, later ones in this batch."""


@dataclass(slots=True)
class ParticipantRow:
    conversation_id: int
    user_id: int
    activity: datetime | None
    mark: int
    received: int
    read_count: int
    read_seq: int
    delivered_seq: int
    shown_read: int
    shown_delivered: int
    is_active: bool
    shares_receipts: bool
    public_id: str
    has_draft: bool
    cleared_seq: int = 0
    received_before: int = 0
    """`received` when the row was locked: the number of messages to this user up to `head_before`."""
    draft: str | None = None
    """The draft to write; None leaves the stored one as it is."""


@dataclass(slots=True)
class StoredMessage:
    """An earlier message, for comparison with a repeat."""

    seq: int
    version: int
    sender_id: int
    fingerprint: bytes | None
    created_at: datetime
    ordinal: int | None = None


def rows_of(count: int, first: str, other: str) -> str:
    """`count` rows of VALUES; PostgreSQL takes the types of all from the casts of the first."""
    return ", ".join([first, *[other] * (count - 1)])


def cast(*types: str) -> tuple[str, str]:
    """The first row of VALUES, with casts where the database needs them, and the others."""
    plain = "(" + ", ".join(["%s"] * len(types)) + ")"
    if connection.vendor != "postgresql":
        return plain, plain
    return "(" + ", ".join(f"%s::{name}" for name in types) + ")", plain


def time_in() -> Callable[[datetime | None], Any]:
    """The converter of times for this database, once per statement: Django's own conversion costs more than
    the rest."""
    return sqlite_time if connection.vendor == "sqlite" else lambda value: value


@lru_cache(maxsize=1024)
def sqlite_time(value: datetime | None) -> str | None:
    """As Django's back end writes it. Cached, because a batch stamps hundreds of rows with one time."""
    return None if value is None else str(value.astimezone(UTC).replace(tzinfo=None))


def time_out(value: Any) -> Any:
    """SQLite returns times without an offset (as text from a computed column); Django stores UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def id_in() -> Callable[[UUID], Any]:
    """The converter of UUIDs for this database."""
    return (lambda value: value) if connection.features.has_native_uuid_field else (lambda value: value.hex)


def id_out(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(hex=value)


def json_in(value: list[Any] | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def existing_rooms(names: Collection[str]) -> set[str]:
    """The names that are conversations; reads without a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT room_name FROM conversation WHERE room_name IN ({', '.join(['%s'] * len(names))})",
            list(names),
        )
        return {name for (name,) in cursor.fetchall()}


def lock_conversations(rooms: Iterable[str], *, skip_locked: bool = False) -> dict[str, ConversationRow]:
    """Lock the rows in the order of their ids: batches that share rooms wait for each other instead of
    deadlocking.

    Args:
        skip_locked: leave out rows that another transaction holds, instead of waiting for them.
    """
    names = sorted(set(rooms))
    # On SQLite the transaction began with BEGIN IMMEDIATE, so there is no second writer to lock out.
    lock = (
        f" FOR NO KEY UPDATE{' SKIP LOCKED' if skip_locked else ''}"
        if connection.vendor == "postgresql"
        else ""
    )
    sql = (
        "SELECT id, low_id, high_id, room_name, head, low_blocks OR high_blocks, is_met, state, changed_at"
        " FROM conversation"
        f" WHERE room_name IN ({', '.join(['%s'] * len(names))}) ORDER BY id{lock}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, names)
        found = [conversation_row(*row) for row in cursor.fetchall()]
    return {row.room_name: row for row in found}


def conversation_row(
    id: int,
    low_id: int,
    high_id: int,
    room_name: str,
    head: int,
    is_blocked: Any,
    is_met: Any,
    state: str,
    changed_at: Any,
) -> ConversationRow:
    changed_at = time_out(changed_at)
    return ConversationRow(
        id, low_id, high_id, room_name, head, bool(is_blocked), bool(is_met), state, changed_at, head
    )


def participants_of(conversation_ids: Sequence[int]) -> dict[tuple[int, int], ParticipantRow]:
    """A statement of its own after the lock: one that joined the lock would see counters from before it
    waited."""
    sql = (
        "SELECT p.conversation_id, p.user_id, p.activity, p.mark, p.received, p.read_count, p.read_seq,"
        " p.delivered_seq, p.shown_read, p.shown_delivered, u.is_active, COALESCE(f.shares_receipts, TRUE),"
        " u.public_id, p.draft <> '', p.cleared_seq"
        " FROM participant p JOIN accounts_user u ON u.id = p.user_id"
        " LEFT JOIN accounts_profile f ON f.user_id = p.user_id"
        f" WHERE p.conversation_id IN ({', '.join(['%s'] * len(conversation_ids))})"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, list(conversation_ids))
        rows = [ParticipantRow(*row) for row in cursor.fetchall()]
    for row in rows:
        row.activity, row.is_active = time_out(row.activity), bool(row.is_active)
        row.shares_receipts, row.has_draft = bool(row.shares_receipts), bool(row.has_draft)
        row.received_before = row.received
    return {(row.conversation_id, row.user_id): row for row in rows}


def messages_by_client_id(wanted: Sequence[tuple[int, UUID]]) -> dict[tuple[int, UUID], StoredMessage]:
    """Earlier sends under the same ids. A join, because a row-value IN makes SQLite read the whole table."""
    first, other = cast("bigint", "uuid")
    sql = (
        f"WITH wanted (conversation_id, client_id) AS (VALUES {rows_of(len(wanted), first, other)})"
        " SELECT m.conversation_id, m.client_id, m.seq, m.version, m.sender_id, m.fingerprint, m.created_at,"
        " m.ordinal FROM wanted w"
        " JOIN message m ON m.conversation_id = w.conversation_id AND m.client_id = w.client_id"
    )
    as_id = id_in()
    values = [value for conversation_id, client_id in wanted for value in (conversation_id, as_id(client_id))]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {
            (row[0], id_out(row[1])): StoredMessage(
                row[2], row[3], row[4], None if row[5] is None else bytes(row[5]), time_out(row[6]), row[7]
            )
            for row in cursor.fetchall()
        }


def ordinals_at(wanted: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int, int], int]:
    """For each (conversation, user, seq): the number of messages to this user up to seq, read from one row,
    never counted."""
    first, other = cast("bigint", "bigint", "bigint")
    sql = (
        f"WITH wanted (conversation_id, user_id, seq) AS (VALUES {rows_of(len(wanted), first, other)})"
        " SELECT w.conversation_id, w.user_id, w.seq, (SELECT m.ordinal FROM message m"
        " WHERE m.conversation_id = w.conversation_id AND m.seq <= w.seq AND m.sender_id <> w.user_id"
        " AND m.ordinal IS NOT NULL ORDER BY m.seq DESC LIMIT 1) FROM wanted w"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for triple in wanted for value in triple])
        return {(row[0], row[1], row[2]): row[3] or 0 for row in cursor.fetchall()}


def insert_messages(messages: Sequence[Message]) -> None:
    row = "(" + ", ".join(["%s"] * 12) + ")"
    sql = (
        "INSERT INTO message (conversation_id, seq, version, client_id, fingerprint, sender_id, ordinal,"
        " kind, body, reply_to, created_at, attachments, reactions) VALUES "
        + ", ".join([row[:-1] + ", '[]')"] * len(messages))
    )
    as_id, as_time = id_in(), time_in()
    values: list[Any] = []
    for message in messages:
        values += (
            message.conversation_id,
            message.seq,
            message.version,
            as_id(message.client_id),
            message.fingerprint,
            message.sender_id,
            message.ordinal,
            message.kind,
            message.body,
            message.reply_to,
            as_time(message.created_at),
            json_in(message.attachments),
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def next_move() -> str:
    """As `models.transaction_number.NextMove`; once for the whole statement."""
    return (
        "txid_current()"
        if connection.vendor == "postgresql"
        else "(SELECT COALESCE(MAX(moved), 0) + 1 FROM conversation)"
    )


def update_conversations(rows: Sequence[ConversationRow]) -> None:
    first, other = cast("bigint", "bigint", "timestamptz")
    sql = (
        f"WITH new (id, head, changed_at) AS (VALUES {rows_of(len(rows), first, other)})"
        f" UPDATE conversation SET head = new.head, changed_at = new.changed_at, moved = {next_move()}"
        " FROM new WHERE conversation.id = new.id"
    )
    as_time = time_in()
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for row in rows for value in (row.id, row.head, as_time(row.changed_at))])


def update_participants(rows: Sequence[ParticipantRow]) -> None:
    first, other = cast("bigint", "bigint", "timestamptz", *["bigint"] * 7, "text")
    sql = (
        "WITH new (conversation_id, user_id, activity, mark, received, read_count, read_seq, delivered_seq,"
        " shown_read, shown_delivered, draft)"
        f" AS (VALUES {rows_of(len(rows), first, other)})"
        " UPDATE participant SET activity = new.activity, mark = new.mark, received = new.received,"
        " read_count = new.read_count, read_seq = new.read_seq, delivered_seq = new.delivered_seq,"
        " shown_read = new.shown_read, shown_delivered = new.shown_delivered,"
        " draft = COALESCE(new.draft, participant.draft) FROM new"
        " WHERE participant.conversation_id = new.conversation_id AND participant.user_id = new.user_id"
    )
    as_time = time_in()
    values: list[Any] = []
    for row in rows:
        values += (
            row.conversation_id,
            row.user_id,
            as_time(row.activity),
            row.mark,
            row.received,
            row.read_count,
            row.read_seq,
            row.delivered_seq,
            row.shown_read,
            row.shown_delivered,
            row.draft,
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def stored_drafts(wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """The draft of each (conversation, user)."""
    first, other = cast("bigint", "bigint")
    sql = (
        f"WITH wanted (conversation_id, user_id) AS (VALUES {rows_of(len(wanted), first, other)})"
        " SELECT p.conversation_id, p.user_id, p.draft FROM wanted w"
        " JOIN participant p ON p.conversation_id = w.conversation_id AND p.user_id = w.user_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for pair in wanted for value in pair])
        return {(row[0], row[1]): row[2] for row in cursor.fetchall()}
