"""SQL of the journal for messages that are stored already: read them by number, write their new state, hide
them.

Set-based, the same on SQLite and PostgreSQL. They contain message bodies: nothing here is ever logged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from conversations.journal.attachment_rows import files_of
from conversations.journal.statements import cast, id_out, json_in, rows_of, time_in, time_out
from conversations.models import HiddenMessage, Message

Key = tuple[int, int]
"""A message: (conversation, seq)."""

text_removals: list[Callable[[Sequence[Key]], object]] = []
"""Set-based statements that run in the transaction in which the text of messages goes or changes: what keeps
copies of it (the search index) registers here, so that no copy outlives the text by a commit."""


Source = tuple[int, str, int]
"""A message that a user forwards: (user, room, seq)."""


def forward_sources(wanted: Sequence[Source]) -> dict[Source, Message]:
    """Those of these messages that the user can see, with the columns that tell their text, and their files
    (one statement more, if any has files).

    Their conversations are not locked. The rights are judged in the query, as `access.py` does: a foreign, a
    hidden and a missing message are one empty result.
    """
    first, other = cast("bigint", "text", "bigint")
    sql = (
        f"WITH wanted (user_id, room_name, seq) AS (VALUES {rows_of(len(wanted), first, other)})"
        " SELECT w.user_id, w.room_name, m.conversation_id, m.seq, m.kind, m.body, m.attachments,"
        " m.deleted_at FROM wanted w"
        " JOIN conversation c ON c.room_name = w.room_name"
        " JOIN participant p ON p.conversation_id = c.id AND p.user_id = w.user_id"
        " JOIN message m ON m.conversation_id = c.id AND m.seq = w.seq"
        " WHERE p.activity IS NOT NULL AND m.seq > p.cleared_seq"
        " AND NOT EXISTS (SELECT 1 FROM hidden_message h WHERE h.conversation_id = c.id AND h.seq = m.seq"
        " AND h.user_id = w.user_id)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for source in wanted for value in source])
        found = {
            (user_id, room, seq): Message(
                conversation_id=conversation_id,
                seq=seq,
                kind=kind,
                body=body,
                attachments=json_out(attachments),
                deleted_at=time_out(deleted_at),
            )
            for user_id, room, conversation_id, seq, kind, body, attachments, deleted_at in cursor.fetchall()
        }
    if with_files := [(row.conversation_id, row.seq) for row in found.values() if row.attachments]:
        files = files_of(with_files)
        for row in found.values():
            row.files = files.get((row.conversation_id, row.seq), ())
    return found


def messages_at(wanted: Sequence[Key]) -> dict[Key, Message]:
    """The messages with these numbers, with all columns, and from whom each is hidden. Their conversations
    are locked, so that nothing changes them meanwhile."""
    first, other = cast("bigint", "bigint")
    keys = list(dict.fromkeys(wanted))
    sql = (
        f"WITH wanted (conversation_id, seq) AS (VALUES {rows_of(len(keys), first, other)})"
        " SELECT m.conversation_id, m.seq, m.version, m.client_id, m.fingerprint, m.sender_id, m.ordinal,"
        " m.kind, m.body, m.reply_to, m.reactions, m.attachments, m.created_at, m.edited_at, m.deleted_at,"
        " h.user_id"
        " FROM wanted w JOIN message m ON m.conversation_id = w.conversation_id AND m.seq = w.seq"
        " LEFT JOIN hidden_message h ON h.conversation_id = m.conversation_id AND h.seq = m.seq"
    )
    found: dict[Key, Message] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for key in keys for value in key])
        for *columns, hidden_from in cursor.fetchall():
            message = found.get((columns[0], columns[1])) or message_from(*columns)
            if hidden_from is not None:
                message.hidden_from |= {hidden_from}
            found[message.conversation_id, message.seq] = message
    return found


def message_from(
    conversation_id: int,
    seq: int,
    version: int,
    client_id: Any,
    fingerprint: Any,
    sender_id: int,
    ordinal: int | None,
    kind: str,
    body: str,
    reply_to: int | None,
    reactions: Any,
    attachments: Any,
    created_at: Any,
    edited_at: Any,
    deleted_at: Any,
) -> Message:
    return Message(
        conversation_id=conversation_id,
        seq=seq,
        version=version,
        client_id=id_out(client_id),
        fingerprint=None if fingerprint is None else bytes(fingerprint),
        sender_id=sender_id,
        ordinal=ordinal,
        kind=kind,
        body=body,
        reply_to=reply_to,
        reactions=json_out(reactions),
        attachments=json_out(attachments),
        created_at=time_out(created_at),
        edited_at=time_out(edited_at),
        deleted_at=time_out(deleted_at),
    )


def json_out(value: Any) -> Any:
    """A corrupt row can still be deleted."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return []


def update_messages(messages: Sequence[Message]) -> None:
    """Write the columns that a change can touch. `client_id`, `created_at` and `ordinal` stay for ever."""
    types = [*["bigint"] * 3, "text", "bytea", "bigint", "jsonb", "jsonb", "timestamptz", "timestamptz"]
    first, other = cast(*types)
    sql = (
        "WITH new (conversation_id, seq, version, body, fingerprint, reply_to, reactions, attachments,"
        f" edited_at, deleted_at) AS (VALUES {rows_of(len(messages), first, other)})"
        " UPDATE message SET version = new.version, body = new.body, fingerprint = new.fingerprint,"
        " reply_to = new.reply_to, reactions = new.reactions, attachments = new.attachments,"
        " edited_at = new.edited_at, deleted_at = new.deleted_at FROM new"
        " WHERE message.conversation_id = new.conversation_id AND message.seq = new.seq"
    )
    as_time: Callable[[datetime | None], Any] = time_in()
    values: list[Any] = []
    for message in messages:
        values += (
            message.conversation_id,
            message.seq,
            message.version,
            message.body,
            message.fingerprint,
            message.reply_to,
            json.dumps(message.reactions, ensure_ascii=False),
            json_in(message.attachments),
            as_time(message.edited_at),
            as_time(message.deleted_at),
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def insert_hidden_messages(hidden: Sequence[HiddenMessage]) -> None:
    row = "(%s, %s, %s, %s)"
    sql = (
        "INSERT INTO hidden_message (conversation_id, seq, user_id, mark)"
        f" VALUES {rows_of(len(hidden), row, row)}"
    )
    values = [value for each in hidden for value in (each.conversation_id, each.seq, each.user_id, each.mark)]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
