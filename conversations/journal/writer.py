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
from django.db import Error, connection
from prometheus_client import Counter, Histogram

from conversations.delivery import Letter, publish
from conversations.exceptions import Busy, Refusal
from conversations.journal import batch
from conversations.journal.commands import Accepted, Command, Result
from conversations.journal.life import SAVE_SECONDS, last_write
from conversations.outages import PASSING, is_away, is_cut, kept, require_way
from conversations.outages import refusal_for as outage_for

logger = logging.getLogger(__name__)
BATCH_SIZE = 256
WRITTEN = Counter("entre_journal_commands_total", "Commands that the journal has answered.")
BATCHES = Histogram("entre_journal_batch_commands", "Commands in one transaction.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
LONGEST_DOUBT_SECONDS, TRY_EVERY_SECONDS = 60.0, 0.2
QUICK_SECONDS = 0.5

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
                    break
            time.sleep(0.01)
        else:
            return False
        last_write.save()
        return True

    def gather(self) -> list[Waiting]:
        while True:
            with self.condition:
                # Whoever comes for the next batch has written the one before.
                self.is_writing = False
                if not self.waiting:
                    self.condition.wait(None if last_write.is_saved else SAVE_SECONDS)
                if self.waiting:
                    self.is_writing = True
                    return [self.waiting.popleft() for _ in range(min(BATCH_SIZE, len(self.waiting)))]
            last_write.save_if_due(time.monotonic())

    def write(self, items: list[Waiting]) -> None:
        """Answer every future, whatever happens: a send that is never answered would look lost."""
        commands = [command for command, _ in items]
        try:
            outcomes, letters = written(commands)
        except batch.Undecided:
            connection.close()
            self.settle(items)
            return
        except Exception as error:
            connection.close()
            if len(items) > 1 and not is_away(error):
                self.write_one_by_one(items)
                return
            logger.warning("a batch of %d could not be written (%s)", len(items), type(error).__name__)
            outcomes, letters = [refusal_for(error)] * len(items), []
            self.refuse_waiting(error)
        self.answer(items, outcomes, letters)

    def answer(self, items: list[Waiting], outcomes: Sequence[batch.Outcome], letters: list[Letter]) -> None:
        BATCHES.observe(len(items))
        WRITTEN.inc(len(items))
        for (_, future), outcome in zip(items, outcomes, strict=True):
            resolve(future, outcome)
            if isinstance(outcome, Accepted) and not outcome.duplicate:
                last_write.note(outcome.room, outcome.seq, outcome.id)
        publish(letters)
        last_write.save_if_due(time.monotonic())

    def refuse_waiting(self, error: Exception) -> None:
        """While the database is away, whoever waits is told now: waiting for the same failure again would only make it late."""
        if not is_away(error):
            return
        with self.condition:
            items = list(self.waiting)
            self.waiting.clear()
        if items:
            self.answer(items, [refusal_for(error)] * len(items), [])

    def settle(self, items: list[Waiting]) -> None:
        """The connection ended in the middle of a commit, so nobody knows whether these are stored. "Busy" would say that they are not (P10):
        nobody is told anything until the database is back and says it. Whoever comes meanwhile is told to try again.
        """
        commands = [command for command, _ in items]
        deadline = time.monotonic() + LONGEST_DOUBT_SECONDS
        while time.monotonic() < deadline:
            try:
                outcomes, letters = write_knowingly(commands)
            except Exception as error:
                connection.close()
                self.refuse_waiting(error)
                time.sleep(TRY_EVERY_SECONDS)
            else:
                self.answer(items, outcomes, letters)
                return
        logger.error("nobody knows whether %d commands were stored; they stay unanswered", len(items))

    def write_one_by_one(self, items: list[Waiting]) -> None:
        """One poisoned command must not fail its neighbours."""
        for item in items:
            self.write([item])


def written(commands: Sequence[Command]) -> tuple[list[batch.Outcome], list[Letter]]:
    """One try, and a second one on a fresh connection when the kept one turns out to be dead.

    Raises:
        batch.Undecided: the commands may be stored or not.
    """
    began, before = time.monotonic(), kept()
    try:
        return write_knowingly(commands)
    except (batch.Undecided, Error) as error:
        # On the way out of the transaction Django has asked for a new connection. Where it waited in vain, waiting again would only be later.
        if not is_cut(before) or time.monotonic() - began > QUICK_SECONDS:
            raise
        first = error
    connection.close()
    try:
        # Nothing of the first try is stored twice: repeats are found by their ids.
        return write_knowingly(commands)
    except Error:
        if isinstance(first, batch.Undecided):
            raise first from None
        raise


def write_knowingly(commands: Sequence[Command]) -> tuple[list[batch.Outcome], list[Letter]]:
    """What a new connection leads to may be another database: one restored from a backup, or a replica that took over and lags behind."""
    require_way()
    return batch.write(commands)


def resolve(future: Future[Result], outcome: batch.Outcome) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Refusal):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def refusal_for(error: Exception) -> Refusal:
    """A retryable answer for everything that may pass. No text of an error gets out or into the log: it may quote a body."""
    if isinstance(error, PASSING):
        return outage_for(error)
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
