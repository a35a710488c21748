"""Search jobs: what was sent or changed enters the search index, and what was removed leaves its file."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.db import connection
from django_tasks import task

from conversations.search_index import tables
from conversations.services.search_indexing import index_pending, indexer

SECONDS = 5.0
"""A long backlog takes several jobs: a process that ends waits for the one it runs."""
BUSY, SHARE_WHEN_BUSY, SHARE = 0.4, 0.05, 0.5
"""From so much work of the other threads on (in processors), indexing takes only a twentieth of the time."""


@task(queue_name="search")
def search_index() -> None:
    """Safe to run twice, also at once in several processes."""
    index_pending(seconds=SECONDS, pause=Pace().rest)


def is_needed() -> bool:
    """Asked by every process each second."""
    return indexer.is_behind()


@task(queue_name="search")
def search_drop_removed_words() -> None:
    """Safe to run twice. Where FTS5 has secure-delete there is never anything to do."""
    tables.drop_removed_words(connection, Pace().rest)


def has_removed_words() -> bool:
    """Asked by every process each half minute."""
    return tables.has_removed_words(connection)


@dataclass(slots=True)
class Pace:
    """Pauses between two transactions. A message must not wait because earlier ones are being indexed."""

    wall: float = field(default_factory=time.monotonic)
    others: float = field(default_factory=lambda: cpu_of_others())

    def rest(self, taken: float) -> None:
        wall, others = time.monotonic(), cpu_of_others()
        time.sleep(pause_after(taken, (others - self.others) / max(wall - self.wall, 0.001)))
        self.wall, self.others = wall, others


def cpu_of_others() -> float:
    """Processor time of all other threads of this process."""
    return time.process_time() - time.thread_time()


def pause_after(taken: float, load: float) -> float:
    """Seconds to pause after a transaction of this duration, at this load by the other threads."""
    share = SHARE_WHEN_BUSY if load >= BUSY else SHARE
    return taken * (1 - share) / share
