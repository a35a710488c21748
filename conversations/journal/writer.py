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
from uuid import UUID

from django.conf import settings
from prometheus_client import Counter, Histogram

from conversations.db.errors import TRANSIENT_ERRORS, is_locked, is_unavailable
from conversations.db.errors import refusal_for as outage_for
from conversations.delivery import Push, publish
from conversations.exceptions import Busy, LockedRoom, Refusal, UnknownResult
from conversations.journal import batch
from conversations.journal.commands import Accepted, Command, Result, SendCommand
from conversations.journal.restore import SAVE_SECONDS, last_write
from conversations.journal.retry import drop_connection, write_knowingly, written

logger = logging.getLogger(__name__)
BATCH_SIZE = 256
WRITTEN = Counter("entre_journal_commands_total", "Commands that the journal has answered.")
BATCHES = Histogram(
    "entre_journal_batch_commands", "Commands in one transaction.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
LONGEST_DOUBT_SECONDS, TRY_EVERY_SECONDS = 60.0, 0.2
LOCKED_SECONDS, LOCKED_TRY_SECONDS = 4.0, 0.1
"""How long the commands of one locked conversation wait before they are refused, and the pause between two tries."""
DOUBT_RETRY_MS, DOUBTS_KEPT = 2_000, 10_000

Waiting = tuple[Command, "Future[Result]"]


class Writer:
    """The one writer of this process. `submit` may be called from any thread."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.waiting: deque[Waiting] = deque()
        self.thread: threading.Thread | None = None
        self.is_writing = False
        self.locked: list[Waiting] = []
        """Commands of conversations that another transaction holds, in their order. Only the writer's thread touches it."""
        self.give_up_at: dict[Future[Result], float] = {}
        self.retry_at = 0.0
        self.in_doubt: dict[UUID, None] = {}
        """Ids of sends that may be stored: until the database says it, a repeat of one is not "surely not stored" either."""

    def submit(self, command: Command) -> Future[Result]:
        """Queue one command.

        Raises:
            Busy: too many wait already; nothing was queued.
        """
        future: Future[Result] = Future()
        with self.condition:
            if len(self.waiting) + len(self.locked) >= settings.JOURNAL_QUEUE:
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
                if not self.waiting and not self.is_writing and not self.locked:
                    break
            time.sleep(0.01)
        else:
            return False
        last_write.save()
        return True

    def gather(self) -> list[Waiting]:
        while True:
            items: list[Waiting] = []
            with self.condition:
                # Whoever comes for the next batch has written the one before.
                self.is_writing = False
                if not self.waiting:
                    self.condition.wait(self.idle_seconds())
                if self.waiting:
                    items = [self.waiting.popleft() for _ in range(min(BATCH_SIZE, len(self.waiting)))]
                self.is_writing = bool(items or self.locked)
            if self.locked:
                items = self.queue_behind_locked(items)
                self.retry_locked()
            if items:
                return items
            last_write.save_if_due(time.monotonic())

    def idle_seconds(self) -> float | None:
        if self.locked:
            return max(0.0, self.retry_at - time.monotonic())
        return None if last_write.is_saved else SAVE_SECONDS

    def write(self, items: list[Waiting]) -> None:
        """Answer every future, whatever happens: a send that is never answered would look lost."""
        # While something is locked nothing is waited for: a stopped process may hold many conversations, and each would cost a wait.
        self.write_without_locked(items) if self.locked else self.write_all(items)

    def write_all(self, items: list[Waiting]) -> None:
        try:
            outcomes, letters = written([command for command, _ in items])
        except batch.InDoubt:
            drop_connection()
            self.resolve_in_doubt(items)
        except Exception as error:
            if is_locked(error):
                self.write_without_locked(items)
            else:
                self.fail(items, error)
        else:
            self.answer(items, outcomes, letters)

    def write_without_locked(self, items: list[Waiting]) -> None:
        """All but what another transaction holds. When that is another row than a conversation's, each room for itself finds out whose."""
        try:
            outcomes, letters = written([command for command, _ in items], skip_locked=True)
        except batch.InDoubt:
            drop_connection()
            self.resolve_in_doubt(items)
        except Exception as error:
            rooms = by_room(items)
            if not is_locked(error):
                self.fail(items, error)
            elif len(rooms) > 1:
                for own in rooms:
                    self.write_without_locked(own)
            else:
                self.answer(items, [LockedRoom(retry_after_ms=batch.LOCKED_RETRY_MS)] * len(items), [])
        else:
            self.answer(items, outcomes, letters)

    def fail(self, items: list[Waiting], error: Exception) -> None:
        """Nothing of it was stored."""
        drop_connection()
        if len(items) > 1 and not is_unavailable(error):
            self.write_one_by_one(items)
            return
        logger.warning("a batch of %d could not be written (%s)", len(items), type(error).__name__)
        self.refuse(items, error)
        self.refuse_waiting(error)

    def answer(self, items: list[Waiting], outcomes: Sequence[batch.Outcome], letters: list[Push]) -> None:
        BATCHES.observe(len(items))
        WRITTEN.inc(len(items))
        newest: Accepted | None = None
        for (command, future), outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                if not outcome.duplicate:
                    newest = outcome
                if self.in_doubt:
                    self.in_doubt.pop(outcome.id, None)
            elif isinstance(outcome, LockedRoom) and self.may_wait(future):
                self.locked.append((command, future))
                continue
            resolve(future, outcome)
        if newest is not None:
            # One of a batch is enough: it is there with all the others, or with none.
            last_write.note(newest.room, newest.seq, newest.id)
        publish(letters)
        last_write.save_if_due(time.monotonic())

    def refuse(self, items: list[Waiting], error: Exception) -> None:
        usual = refusal_for(error)
        self.answer(items, [self.refusal_in_doubt(command) or usual for command, _ in items], [])

    def refusal_in_doubt(self, command: Command) -> UnknownResult | None:
        is_in_doubt = isinstance(command, SendCommand) and command.id in self.in_doubt
        return UnknownResult(retry_after_ms=DOUBT_RETRY_MS) if is_in_doubt else None

    def refuse_waiting(self, error: Exception) -> None:
        """While the database is away, whoever waits is told now: waiting for the same failure again would only make it late."""
        if not is_unavailable(error):
            return
        with self.condition:
            items = [*self.locked, *self.waiting]
            self.locked = []
            self.waiting.clear()
        self.give_up_at.clear()
        if items:
            self.refuse(items, error)

    # Conversations that another transaction holds

    def may_wait(self, future: Future[Result]) -> bool:
        """Once more, or was that the last try?"""
        now = time.monotonic()
        self.retry_at = now + LOCKED_TRY_SECONDS
        if now < self.give_up_at.setdefault(future, now + LOCKED_SECONDS):
            return True
        del self.give_up_at[future]
        return False

    def queue_behind_locked(self, items: list[Waiting]) -> list[Waiting]:
        """What comes for a locked conversation stays behind what waits for it already (P3). Returns the rest."""
        rooms = {command.room for command, _ in self.locked}
        now = time.monotonic()
        rest: list[Waiting] = []
        for item in items:
            if getattr(item[0], "room", None) in rooms:
                self.give_up_at[item[1]] = now + LOCKED_SECONDS
                self.locked.append(item)
            else:
                rest.append(item)
        return rest

    def retry_locked(self) -> None:
        began = time.monotonic()
        if began < self.retry_at:
            return
        items, self.locked = self.locked, []
        for start in range(0, len(items), BATCH_SIZE):
            self.write_without_locked(items[start : start + BATCH_SIZE])
        now = time.monotonic()
        # A try that had to wait kept everybody waiting: the next one comes later.
        self.retry_at = now + max(LOCKED_TRY_SECONDS, 4 * (now - began))
        if not self.locked:
            self.give_up_at.clear()

    # Commits of which nobody knows how they ended

    def resolve_in_doubt(self, items: list[Waiting]) -> None:
        """The connection ended in the middle of a commit, so nobody knows whether these are stored. "Busy" would say that they are not (P10):
        nobody is told anything until the database is back and says it, or it has taken too long. Whoever comes meanwhile is told to try
        again.
        """
        commands = [command for command, _ in items]
        self.in_doubt |= dict.fromkeys(command.id for command in commands if isinstance(command, SendCommand))
        deadline = time.monotonic() + LONGEST_DOUBT_SECONDS
        while time.monotonic() < deadline:
            try:
                outcomes, letters = write_knowingly(commands)
            except Exception as error:
                drop_connection()
                self.refuse_waiting(error)
                time.sleep(TRY_EVERY_SECONDS)
            else:
                self.answer(items, outcomes, letters)
                return
        logger.error("nobody knows whether %d commands were stored; they are told so", len(items))
        self.answer(items, [UnknownResult(retry_after_ms=DOUBT_RETRY_MS)] * len(items), [])
        for id in list(self.in_doubt)[:-DOUBTS_KEPT]:
            del self.in_doubt[id]

    def write_one_by_one(self, items: list[Waiting]) -> None:
        """One poisoned command must not fail its neighbours."""
        for item in items:
            self.write([item])


def by_room(items: list[Waiting]) -> list[list[Waiting]]:
    rooms: dict[str, list[Waiting]] = {}
    for item in items:
        rooms.setdefault(item[0].room, []).append(item)
    return list(rooms.values())


def resolve(future: Future[Result], outcome: batch.Outcome) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Refusal):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def refusal_for(error: Exception) -> Refusal:
    """A retryable answer for everything that may pass. No text of an error gets out or into the log: it may quote a body."""
    if isinstance(error, TRANSIENT_ERRORS):
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
