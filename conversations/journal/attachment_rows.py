"""SQL of the journal for the files of messages: uploads that a message takes, files that a forward shares,
and references that go with a message.

Set-based, the same on SQLite and PostgreSQL. They contain file names: nothing here is ever logged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from conversations.journal.statements import cast, id_in, id_out, rows_of
from conversations.models import Attachment, StoredFile, Upload

Key = tuple[int, int]
"""A message: (conversation, seq)."""
OwnUpload = tuple[int, UUID]
"""An upload, by its uploader."""

FILE_COLUMNS = (
    "f.id, f.kind, f.name, f.size, f.type, f.width, f.height, f.seconds, f.peaks, f.placeholder, f.alt"
)


def stored_file(
    id: int,
    kind: str,
    name: str,
    size: int,
    type: str,
    width: int | None,
    height: int | None,
    seconds: float | None,
    peaks: Any,
    placeholder: str,
    alt: str,
) -> StoredFile:
    return StoredFile(
        id=id,
        kind=kind,
        name=name,
        size=size,
        type=type,
        width=width,
        height=height,
        seconds=seconds,
        peaks=json.loads(peaks) if isinstance(peaks, str) else peaks,
        placeholder=placeholder,
        alt=alt,
    )


def lock(strength: str, table: str) -> str:
    """On SQLite the transaction began with BEGIN IMMEDIATE."""
    return f" FOR {strength} OF {table}" if connection.vendor == "postgresql" else ""


def ready_uploads(wanted: Sequence[OwnUpload]) -> dict[OwnUpload, StoredFile]:
    """Those of these uploads that are their uploader's and complete. Locked in the order of their ids, so
    that nothing else takes or removes them meanwhile."""
    first, other = cast("bigint", "uuid")
    keys = list(dict.fromkeys(wanted))
    sql = (
        f"WITH wanted (uploader_id, id) AS (VALUES {rows_of(len(keys), first, other)})"
        f" SELECT u.uploader_id, u.id, {FILE_COLUMNS} FROM wanted w"
        " JOIN upload u ON u.id = w.id AND u.uploader_id = w.uploader_id"
        " JOIN stored_file f ON f.id = u.stored_file_id"
        f" WHERE u.state = '{Upload.State.READY}' ORDER BY u.id{lock('UPDATE', 'u')}"
    )
    as_id = id_in()
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for uploader_id, id in keys for value in (uploader_id, as_id(id))])
        return {(row[0], id_out(row[1])): stored_file(*row[2:]) for row in cursor.fetchall()}


def files_of(messages: Sequence[Key]) -> dict[Key, list[StoredFile]]:
    """The files of messages whose conversations are not locked, for a forward. Locked, so that the job that
    removes their bytes sees the new reference."""
    first, other = cast("bigint", "bigint")
    sql = (
        f"WITH wanted (conversation_id, seq) AS (VALUES {rows_of(len(messages), first, other)})"
        f" SELECT a.conversation_id, a.seq, a.position, {FILE_COLUMNS} FROM wanted w"
        " JOIN attachment a ON a.conversation_id = w.conversation_id AND a.seq = w.seq"
        " JOIN stored_file f ON f.id = a.stored_file_id"
        f" WHERE f.state = '{StoredFile.State.KEPT}' ORDER BY f.id{lock('SHARE', 'f')}"
    )
    found: dict[Key, list[StoredFile]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for key in messages for value in key])
        # Locked in the order of their ids, used in the order of the message.
        for row in sorted(cursor.fetchall(), key=lambda row: row[:3]):
            found.setdefault((row[0], row[1]), []).append(stored_file(*row[3:]))
    return found


def insert_attachments(attachments: Sequence[Attachment]) -> None:
    row = "(%s, %s, %s, %s, %s, %s)"
    as_id = id_in()
    values: list[Any] = []
    for each in attachments:
        values += (
            as_id(each.id),
            each.stored_file_id,
            each.conversation_id,
            each.seq,
            each.position,
            each.kind,
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO attachment (id, stored_file_id, conversation_id, seq, position, kind) VALUES "
            + rows_of(len(attachments), row, row),
            values,
        )


def delete_uploads(ids: Sequence[UUID]) -> None:
    """They have become attachments."""
    as_id = id_in()
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM upload WHERE id IN ({', '.join(['%s'] * len(ids))})", [as_id(id) for id in ids]
        )


def delete_attachments(messages: Sequence[Key]) -> list[int]:
    """Returns the stored files that they referred to."""
    first, other = cast("bigint", "bigint")
    sql = (
        f"WITH gone (conversation_id, seq) AS (VALUES {rows_of(len(messages), first, other)})"
        " DELETE FROM attachment WHERE (conversation_id, seq) IN (SELECT conversation_id, seq FROM gone)"
        " RETURNING stored_file_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for key in messages for value in key])
        return [file_id for (file_id,) in cursor.fetchall()]
