"""Pushes of one row of the list on a thread of their own: the writer does not wait for their queries."""

from __future__ import annotations

import threading

from django.conf import settings

from conversations.db.executor import run_in_background
from conversations.services.notifications import push_conversation

WAITING_LIMIT = 2_000
"""Rows that may wait for their push. More are left out: the mark of the row tells the devices (P4)."""


class RowPushes:
    """Reads a row when its turn comes, so that a row which changes again while it waits is pushed once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: set[tuple[int, int]] = set()
        self.unfinished = 0

    def add(self, conversation_id: int, user_id: int) -> None:
        key = conversation_id, user_id
        with self.lock:
            if key in self.waiting or len(self.waiting) >= WAITING_LIMIT:
                return
            self.waiting.add(key)
            self.unfinished += 1
        run_in_background(self.push, key)

    def push(self, key: tuple[int, int]) -> None:
        with self.lock:
            # Before the row is read: what is added from here on may not be in it.
            self.waiting.discard(key)
        conversation_id, user_id = key
        try:
            push_conversation(conversation_id, (user_id,))
        finally:
            with self.lock:
                self.unfinished -= 1


row_pushes = RowPushes()


def push_row_soon(conversation_id: int, user_id: int) -> None:
    """`conversation.changed` to the devices of one user, after the commit that changed the row.

    With JOURNAL_INLINE (ordinary tests, management commands) it is pushed before this returns.
    """
    if settings.JOURNAL_INLINE:
        push_conversation(conversation_id, (user_id,))
    else:
        row_pushes.add(conversation_id, user_id)
