"""Long histories for tests, inserted into the SQLite database while the server runs."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.rig.daphne_server import EntreServer

START = datetime(2026, 1, 5, 8, tzinfo=UTC)

# Messages of many heights, so that a loaded page never has the height of the one it replaces.
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
    """Fill an empty conversation with one message at each of these times.

    Args:
        bodies: maps the number of a message (from 1) to its text.
        by: whether message n is from the participant with the lower id.
        read: how many of the messages both have read.
    """
    body_of = bodies or (lambda n: BODIES[n % len(BODIES)](n))
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
                    body_of(n),
                    at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
                    "[]",
                )
            )
            if n <= read:
                read_count = dict(received)
        database.executemany(
            "INSERT INTO message"
            " (conversation_id, seq, version, client_id, sender_id, ordinal,"
            " kind, body, created_at, reactions)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        last = rows[-1][8]
        database.execute(
            "UPDATE conversation SET head = ?, changed_at = ? WHERE id = ?", [len(rows), last, id]
        )
        for user in (low, high):
            database.execute(
                "UPDATE participant"
                " SET received = ?, read_count = ?, read_seq = ?, delivered_seq = ?, activity = ?"
                " WHERE conversation_id = ? AND user_id = ?",
                [received[user], read_count[user], read, len(rows), last, id, user],
            )


def timestamps(count: int) -> list[datetime]:
    """Times four minutes apart: messages form groups, and a day has 360 of them."""
    return [START + timedelta(minutes=4 * n) for n in range(count)]
