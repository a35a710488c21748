"""Pagination cursors are unreadable and unforgeable."""

import base64
from typing import Any

import pytest

from accounts.cursors import BadCursor, cursor_read, cursor_write


def test_a_cursor_reads_as_it_was_written() -> None:
    assert cursor_read(cursor_write(["анна", 7], name="people", user_id=1), name="people", user_id=1) == [
        "анна",
        7,
    ]


def test_a_cursor_is_unreadable() -> None:
    cursor = cursor_write(["zoe quicksilver", 4711], name="people", user_id=1)
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert b"zoe" not in raw
    assert b"4711" not in raw


@pytest.mark.parametrize(
    "other", [{"name": "conversations", "user_id": 1}, {"name": "people", "user_id": 11}]
)
def test_a_cursor_is_valid_for_one_list_of_one_user(other: Any) -> None:
    with pytest.raises(BadCursor):
        cursor_read(cursor_write(["a", 1], name="people", user_id=1), **other)


@pytest.mark.parametrize(
    "cursor", ["", "x", "zoe", "AAAA", "é" * 40, "a" * 40, "a" * 5_000, "=" * 40, "\0", "a b", "YWJj" * 20]
)
def test_anything_else_is_rejected(cursor: str) -> None:
    with pytest.raises(BadCursor):
        cursor_read(cursor, name="people", user_id=1)


def test_one_changed_character_invalidates_it() -> None:
    cursor = cursor_write(["a", 1], name="people", user_id=1)
    with pytest.raises(BadCursor):
        cursor_read(
            ("B" if cursor[20] == "A" else "A").join((cursor[:20], cursor[21:])), name="people", user_id=1
        )


def test_cursors_under_a_fallback_key_stay_valid(settings: Any) -> None:
    cursor = cursor_write(["a", 1], name="people", user_id=1)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "another secret key, long enough for all of it",
    )
    assert cursor_read(cursor, name="people", user_id=1) == ["a", 1]
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadCursor):
        cursor_read(cursor, name="people", user_id=1)
