"""Indexing: what was sent or changed since the last round enters the search index, outside the send path.

A round compares two counters of each conversation, its head and how far it is indexed, so nothing has to be
remembered by the process that sent: after kill -9, another process or the next start goes on. Every round may
run twice, and in several processes at once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, transaction

from conversations.protocol.text import BODY_CHARS
from conversations.search_index import progress, rows, tables
from conversations.search_index.progress import Behind, Window
from conversations.search_index.rows import Entry
from conversations.search_index.words import tokens_of
from conversations.selectors.conversations import Position, position
from conversations.selectors.message_text import words_of

CHANGES_AT_ONCE, CHARACTERS_AT_ONCE = 200, 64_000
"""Changes in one transaction and characters of their texts: on SQLite, senders wait for it, and a text of
Chinese takes a hundred times as long as a short one."""
COMPARE_ALL_SECONDS = 600.0


def index_batch(behind: list[Behind]) -> set[int]:
    """Index the next changes of these conversations, oldest first, in one transaction.

    Returns:
        The conversations that could not be completed, because another transaction changes a message.
    """
    windows = bounded(windows_of(behind))
    people = {row.conversation_id: (row.low_id, row.high_id) for row in behind}
    with transaction.atomic():
        messages, skipped = progress.messages_in(windows)
        texts = [(message, words_of(message)) for message in messages]
        rows.remove([(message.conversation_id, message.seq) for message, text in texts if text is None])
        rows.insert(
            [
                Entry(
                    message.conversation_id,
                    message.seq,
                    *people[message.conversation_id],
                    message.created_at,
                    tokens_of(text),
                )
                for message, text in texts
                if text is not None
            ]
        )
        progress.advance([window for window in windows if window.behind.conversation_id not in skipped])
    return skipped


def windows_of(behind: list[Behind]) -> list[Window]:
    """The next CHANGES_AT_ONCE changes of these conversations."""
    windows: list[Window] = []
    left = CHANGES_AT_ONCE
    for conversation in behind:
        until = min(conversation.head, conversation.indexed + left)
        if until > conversation.indexed:
            windows.append(Window(conversation, until))
            left -= until - conversation.indexed
    return windows


def bounded(windows: list[Window]) -> list[Window]:
    """As many of these changes as have at most CHARACTERS_AT_ONCE characters, and at least one."""
    if sum(window.until - window.behind.indexed for window in windows) * BODY_CHARS <= CHARACTERS_AT_ONCE:
        return windows
    left = CHARACTERS_AT_ONCE
    sizes: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for conversation_id, version, characters in progress.sizes_in(windows):
        sizes[conversation_id].append((version, characters))
    kept: list[Window] = []
    for window in windows:
        for version, characters in sorted(sizes[window.behind.conversation_id]):
            left -= characters
            if left < 0 and (kept or version > window.behind.indexed + 1):
                if version - 1 > window.behind.indexed:
                    kept.append(Window(window.behind, version - 1))
                return kept
        kept.append(window)
    return kept


@dataclass(slots=True)
class Indexer:
    """What one process remembers between its rounds: only how far it has looked, which spares a comparison
    of all conversations."""

    seen: Position | None = None
    compared_all_at: float = 0.0
    waiting: set[int] = field(default_factory=set)

    def run(
        self, *, seconds: float | None = None, pause: Callable[[float], object] = lambda taken: None
    ) -> bool:
        """Index everything that is not in the index.

        Args:
            seconds: stop after about this time.
            pause: called with the duration of each transaction, so that others get the database and the
                processor.

        Returns:
            Whether all of it is done.
        """
        began = time.monotonic()
        until = position()
        since = self.since(until, began)
        self.waiting.clear()
        while seconds is None or time.monotonic() - began < seconds:
            started = time.monotonic()
            behind = self.behind(since, limit=CHANGES_AT_ONCE)
            if not behind:
                # What was skipped is found again, because the position stays.
                if not self.waiting:
                    self.seen = until
                return not self.waiting
            self.waiting |= index_batch(behind)
            pause(time.monotonic() - started)
        return False

    def is_behind(self) -> bool:
        """Is something not in the index? At most two statements, the second by an index."""
        until = position()
        since = self.since(until, time.monotonic())
        if self.behind(since, limit=1):
            return True
        self.seen = until
        return False

    def behind(self, since: Position | None, *, limit: int) -> list[Behind]:
        return progress.conversations_behind(
            limit=limit,
            moved_from=0 if since is None else since.following,
            running=() if since is None else since.running,
            without=self.waiting,
        )

    def since(self, until: Position, now: float) -> Position | None:
        """From where to look; None compares all conversations: at the start, every ten minutes, and after
        the database went back."""
        if self.seen is None or until < self.seen or now - self.compared_all_at > COMPARE_ALL_SECONDS:
            replace_foreign_index()
            self.compared_all_at = now
            self.seen = None
        return self.seen


def replace_foreign_index() -> None:
    """Empty an index that another version of SQLite created, so that it is filled again."""
    if not tables.is_of_this_sqlite(connection):
        with transaction.atomic():
            # Another process may have done it meanwhile.
            if not tables.is_of_this_sqlite(connection):
                tables.recreate(connection)


indexer = Indexer()
"""The one of this process."""


def index_pending(
    *, seconds: float | None = None, pause: Callable[[float], object] = lambda taken: None
) -> bool:
    """One round. Repeats: harmless. Returns whether everything is indexed. Arguments as `Indexer.run`."""
    return indexer.run(seconds=seconds, pause=pause)


def index_again(report: Callable[[int, int], object] = lambda done, total: None) -> None:
    """Empty the index and fill it from the messages, for `manage.py reindex`. Meanwhile searches find what is
    indexed already.

    Args:
        report: called with the changes that are indexed so far, and all of them.
    """
    with transaction.atomic():
        tables.recreate(connection)
    indexer.seen = None
    total = progress.changes_behind()
    while not index_pending(seconds=1.0):
        report(total - progress.changes_behind(), total)
    report(total, total)
