"""Histories that nobody could type: written into the database beside the service, as a restored backup would be."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.rig.daphne_server import EntreServer

START = datetime(2026, 1, 5, 8, tzinfo=UTC)

# Heights of all kinds, so that a page that comes in is never as high as the one that goes.
BODIES: tuple[Callable[[int], str], ...] = (
    lambda n: f"number {n}",
    lambda n: f"number {n} " + "and a few words more, " * (n % 17),
    lambda n: f"number {n}\n" + "line\n" * (n % 9) + "end",
    lambda n: f"number {n} https://example.org/{n}/{'x' * (n % 80)}",
    lambda n: "🎈" if n % 2 else "👍🏽👍🏽",
)


def insert_history(
    server: EntreServer,
    room: str,
    times: list[datetime],
    *,
    bodies: Callable[[int], str] | None = None,
    by: Callable[[int], bool] = lambda n: n % 3 != 0,
    read: int = 0,
) -> None:
    """Fill an empty conversation: one message at each of these moments.

    Args:
        bodies: number (from 1) to text.
        by: is number n from the one with the lower id?
        read: how many of these both have read.
    """
    say = bodies or (lambda n: BODIES[n % len(BODIES)](n))
    with closing(sqlite3.connect(server.data_folder / "entre.sqlite3", timeout=30)) as database, database:
        id, low, high = database.execute(
            "SELECT id, low_id, high_id FROM conversation WHERE room_name = ?", [room]
        ).fetchone()
        received = {low: 0, high: 0}
        read_count = {low: 0, high: 0}
        rows = []
        for n, at in enumerate(times, 1):
            sender, recipient = (low, high) if by(n) else (high, low)
            received[recipient] += 1
            rows.append(
                (
                    id,
                    n,
                    n,
                    uuid4().hex,
                    sender,
                    received[recipient],
                    "text",
                    say(n),
                    at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
                    "[]",
                )
            )
            if n <= read:
                read_count = dict(received)
        database.executemany(
            "INSERT INTO message (conversation_id, seq, version, client_id, sender_id, ordinal, kind, body, created_at, reactions)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        last = rows[-1][8]
        database.execute(
            "UPDATE conversation SET head = ?, changed_at = ? WHERE id = ?", [len(rows), last, id]
        )
        for user in (low, high):
            database.execute(
                "UPDATE participant SET received = ?, read_count = ?, read_seq = ?, delivered_seq = ?, activity = ?"
                " WHERE conversation_id = ? AND user_id = ?",
                [received[user], read_count[user], read, len(rows), last, id, user],
            )


def timestamps(how_many: int) -> list[datetime]:
    """Four minutes apart, so that there are groups, and days of three hundred and sixty messages."""
    return [START + timedelta(minutes=4 * n) for n in range(how_many)]
