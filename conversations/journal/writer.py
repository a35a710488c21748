"""Gathers what waits, writes it in one hop, and resolves every future after the commit.

No timer: whoever comes while a batch is being written forms the next one. The thread's database connection is its own, and is dropped
on every error.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection
from prometheus_client import Counter, Histogram

from conversations.delivery import Letter, publish
from conversations.exceptions import Busy, Refusal, StorageFull
from conversations.journal import batch
from conversations.journal.commands import Command, Result

logger = logging.getLogger(__name__)
BATCH_SIZE = 256
WRITTEN = Counter("entre_journal_commands_total", "Commands that the journal has answered.")
BATCHES = Histogram("entre_journal_batch_commands", "Commands in one transaction.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))

PASSING = (OperationalError, InterfaceError)
"""What may be over in a moment; other database errors come from the command itself."""
AWAY_WORDS = ("locked", "connection", "timeout", "disk", "full", "readonly", "shutting down")

Waiting = tuple[Command, "Future[Result]"]


class Writer:
    """The pen of this process. `submit` may be called from any thread."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.waiting: deque[Waiting] = deque()
        self.thread: threading.Thread | None = None
        self.is_writing = False

    def submit(self, command: Command) -> Future[Result]:
        """Queue one command.

        Raises:
            Busy: too many wait already; nothing was queued.
        """
        future: Future[Result] = Future()
        with self.condition:
            if len(self.waiting) >= settings.JOURNAL_QUEUE:
                raise Busy("the queue is full", retry_after_ms=1_000)
            self.waiting.append((command, future))
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self.run, name="journal", daemon=True)
                self.thread.start()
            self.condition.notify()
        return future

    def run(self) -> None:
        while True:
            self.write(self.gather())

    def finish(self, seconds: float) -> bool:
        """Wait, outside the loop, until all that was queued is answered. False when it takes longer."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self.condition:
                if not self.waiting and not self.is_writing:
                    return True
            time.sleep(0.01)
        return False

    def gather(self) -> list[Waiting]:
        with self.condition:
            # Whoever comes for the next batch has written the one before.
            self.is_writing = False
            while not self.waiting:
                self.condition.wait()
            self.is_writing = True
            return [self.waiting.popleft() for _ in range(min(BATCH_SIZE, len(self.waiting)))]

    def write(self, items: list[Waiting]) -> None:
        """Answer every future, whatever happens: a send that is never answered would look lost."""
        try:
            outcomes, letters = written([command for command, _ in items])
        except Exception as error:
            connection.close()
            if len(items) > 1 and not is_database_away(error):
                self.write_one_by_one(items)
                return
            logger.warning("a batch of %d could not be written (%s)", len(items), type(error).__name__)
            outcomes, letters = [refusal_for(error)] * len(items), []
        BATCHES.observe(len(items))
        WRITTEN.inc(len(items))
        for (_, future), outcome in zip(items, outcomes, strict=True):
            resolve(future, outcome)
        publish(letters)

    def write_one_by_one(self, items: list[Waiting]) -> None:
        """One poisoned command must not fail its neighbours."""
        for item in items:
            self.write([item])


def written(commands: Sequence[Command]) -> tuple[list[batch.Outcome], list[Letter]]:
    """One try, and a second one on a fresh connection when the kept one turns out to be dead."""
    was_kept = connection.connection is not None
    try:
        return batch.write(commands)
    except Error:
        # A connection that could not even be made now will not be made by asking again at once.
        if not was_kept or connection.vendor != "postgresql" or (connection.connection is not None and connection.is_usable()):
            raise
        connection.close()
        # Nothing of the first try is stored twice: repeats are found by their ids.
        return batch.write(commands)


def resolve(future: Future[Result], outcome: batch.Outcome) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Refusal):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def is_database_away(error: Exception) -> bool:
    """Would every command of the batch fail alike? Judged by words only where the text is the driver's own: the text of other errors
    quotes the row, and a body may say "connection timeout"."""
    text = str(error).lower()
    return isinstance(error, PASSING) and any(word in text for word in AWAY_WORDS)


def refusal_for(error: Exception) -> Refusal:
    """A retryable answer for everything that may pass. No text of an error gets out or into the log: it may quote a body."""
    if isinstance(error, PASSING):
        text = str(error).lower()
        is_full = "disk is full" in text or "no space" in text or "disk full" in text
        return StorageFull() if is_full else Busy(type(error).__name__, retry_after_ms=1_000)
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("the journal met a %s that it does not know\n%s", type(error).__name__, where)
    return Refusal()


writer = Writer()


def submit(command: Command) -> Future[Result]:
    """Write one command and get a future of its result; it fails with a Refusal.

    With JOURNAL_INLINE (ordinary tests, management commands) the write happens in the calling thread, before this returns.
    """
    if not settings.JOURNAL_INLINE:
        return writer.submit(command)
    outcomes, letters = batch.write([command])
    future: Future[Result] = Future()
    resolve(future, outcomes[0])
    publish(letters)
    return future
