"""The single writer thread: gathers waiting commands, commits them as one group, then resolves their futures.

No timer: commands that arrive while a batch is being written form the next one. The thread has its own
database connection and drops it on every error.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error
from prometheus_client import Counter, Histogram

from conversations.db.errors import TRANSIENT_ERRORS, is_locked, is_unavailable
from conversations.db.errors import refusal_for as refusal_for_transient
from conversations.delivery import Push, publish
from conversations.exceptions import Busy, ConversationLocked, Refusal, UnknownResult
from conversations.journal import batch
from conversations.journal.commands import Command, CommandId, Outcome
from conversations.journal.restore import SAVE_SECONDS, last_write
from conversations.journal.retry import drop_connection, write_checked, write_with_retry

logger = logging.getLogger(__name__)
BATCH_SIZE = 256
COMMANDS = Counter("entre_journal_commands_total", "Commands that the journal has answered.")
BATCHES = Histogram(
    "entre_journal_batch_commands", "Commands in one transaction.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
IN_DOUBT_SECONDS, IN_DOUBT_RETRY_SECONDS = 60.0, 0.2
"""How long the writer asks the database how a commit ended, and the pause between two tries."""
LOCKED_SECONDS, LOCKED_RETRY_SECONDS = 4.0, 0.1
"""How long the commands of one locked conversation wait before they are refused, and the pause between two
tries."""
IN_DOUBT_RETRY_MS, IN_DOUBT_KEPT = 2_000, 10_000

R = TypeVar("R")
Waiting = tuple[Command[Any], "Future[Any]"]


class Writer:
    """The one writer of this process. `submit` may be called from any thread."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.waiting: deque[Waiting] = deque()
        self.thread: threading.Thread | None = None
        self.is_writing = False
        self.locked: list[Waiting] = []
        """Commands of conversations that another transaction holds, in their order. Only the writer thread
        touches it."""
        self.give_up_at: dict[Future[Any], float] = {}
        self.retry_at = 0.0
        self.in_doubt: dict[CommandId, None] = {}
        """Ids of commands that may be stored. Until the database has answered for one, a repeat of it must
        not hear "busy"."""

    def submit(self, command: Command[R]) -> Future[R]:
        """Queue one command.

        Raises:
            Busy: too many commands wait already; this one was not queued.
        """
        future: Future[R] = Future()
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
        """Wait, outside the event loop, until every queued command is answered. False on timeout."""
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
                # The batch before this one is written.
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
        """Answer every future, whatever happens: to the client, an unanswered send looks lost."""
        # While a row is locked, no batch waits: a stopped process may hold many conversations, and each would
        # cost a wait.
        self.write_without_locked(items) if self.locked else self.write_all(items)

    def write_all(self, items: list[Waiting]) -> None:
        try:
            outcomes, pushes = write_with_retry([command for command, _ in items])
        except batch.InDoubt:
            drop_connection()
            self.resolve_in_doubt(items)
        except Exception as error:
            if is_locked(error):
                self.write_without_locked(items)
            else:
                self.fail(items, error)
        else:
            self.answer(items, outcomes, pushes)

    def write_without_locked(self, items: list[Waiting]) -> None:
        """Write all commands but those of locked conversations. When the locked row is of another table, each
        conversation is tried alone, to find which one it belongs to."""
        try:
            outcomes, pushes = write_with_retry([command for command, _ in items], skip_locked=True)
        except batch.InDoubt:
            drop_connection()
            self.resolve_in_doubt(items)
        except Exception as error:
            groups = by_room(items)
            if not is_locked(error):
                self.fail(items, error)
            elif len(groups) > 1:
                for group in groups:
                    self.write_without_locked(group)
            else:
                self.answer_all(items, ConversationLocked(retry_after_ms=batch.LOCKED_RETRY_MS))
        else:
            self.answer(items, outcomes, pushes)

    def fail(self, items: list[Waiting], error: Exception) -> None:
        """Nothing of this batch was stored."""
        drop_connection()
        if len(items) > 1 and not is_unavailable(error):
            self.write_one_by_one(items)
            return
        logger.warning("a batch of %d could not be written (%s)", len(items), type(error).__name__)
        # Those that wait are taken before the first is answered: what its sender sends next is tried.
        self.refuse([*items, *self.take_waiting(error)], error)

    def answer(self, items: list[Waiting], outcomes: Sequence[Outcome[Any]], pushes: list[Push]) -> None:
        """Resolve the futures, then run the work after the commit, then publish the pushes of the batch.

        All of it happens on this thread. Work after the commit runs even if the client has cancelled its
        future, and before the pushes: a row that is new in a list goes out ahead of its first message.
        """
        BATCHES.observe(len(items))
        COMMANDS.inc(len(items))
        newest = None
        committed: list[Outcome[Any]] = []
        for item, outcome in zip(items, outcomes, strict=True):
            command, future = item
            if isinstance(outcome.result, ConversationLocked) and self.may_wait(future):
                self.locked.append(item)
                continue
            newest = outcome.write or newest
            if self.in_doubt and command.id is not None and not isinstance(outcome.result, Refusal):
                self.in_doubt.pop(command.id, None)
            if outcome.after_commit is not None:
                committed.append(outcome)
            resolve(future, outcome)
        if newest is not None:
            # One message of a batch is enough: it is stored together with all the others.
            last_write.note(newest)
        for outcome in committed:
            if not run_after_commit(outcome):
                drop_connection()
        publish(pushes)
        last_write.save_if_due(time.monotonic())

    def answer_all(self, items: list[Waiting], refusal: Refusal) -> None:
        self.answer(items, [Outcome(refusal)] * len(items), [])

    def refuse(self, items: list[Waiting], error: Exception) -> None:
        usual = refusal_for(error)
        self.answer(items, [Outcome(self.refusal_in_doubt(command) or usual) for command, _ in items], [])

    def refusal_in_doubt(self, command: Command[Any]) -> UnknownResult | None:
        is_in_doubt = command.id is not None and command.id in self.in_doubt
        return UnknownResult(retry_after_ms=IN_DOUBT_RETRY_MS) if is_in_doubt else None

    def take_waiting(self, error: Exception) -> list[Waiting]:
        """While the database is unavailable, waiting commands are refused now: waiting for the same failure
        would only delay it."""
        if not is_unavailable(error):
            return []
        with self.condition:
            items = [*self.locked, *self.waiting]
            self.locked = []
            self.waiting.clear()
        self.give_up_at.clear()
        return items

    # Conversations that another transaction holds

    def may_wait(self, future: Future[Any]) -> bool:
        """True if this command may be tried again, False if that was the last try."""
        now = time.monotonic()
        self.retry_at = now + LOCKED_RETRY_SECONDS
        if now < self.give_up_at.setdefault(future, now + LOCKED_SECONDS):
            return True
        del self.give_up_at[future]
        return False

    def queue_behind_locked(self, items: list[Waiting]) -> list[Waiting]:
        """Commands for a locked conversation stay behind those that wait for it already (P3). Returns the
        rest."""
        rooms = {command.room for command, _ in self.locked}
        now = time.monotonic()
        rest: list[Waiting] = []
        for item in items:
            if item[0].room in rooms:
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
        # A try that had to wait has delayed all other commands: the next one comes later.
        self.retry_at = now + max(LOCKED_RETRY_SECONDS, 4 * (now - began))
        if not self.locked:
            self.give_up_at.clear()

    # Commits in doubt

    def resolve_in_doubt(self, items: list[Waiting]) -> None:
        """The connection ended during a commit, so these may be stored or not. "Busy" would claim that they
        are not (P10): the futures stay open until the database is back and answers, or until IN_DOUBT_SECONDS
        have passed. Commands that arrive meanwhile are refused as retryable.
        """
        commands = [command for command, _ in items]
        self.in_doubt |= dict.fromkeys(command.id for command in commands if command.id is not None)
        deadline = time.monotonic() + IN_DOUBT_SECONDS
        while time.monotonic() < deadline:
            try:
                outcomes, pushes = write_checked(commands)
            except Exception as error:
                drop_connection()
                if waiting := self.take_waiting(error):
                    self.refuse(waiting, error)
                time.sleep(IN_DOUBT_RETRY_SECONDS)
            else:
                self.answer(items, outcomes, pushes)
                return
        logger.error(
            "%d commands stay in doubt: the database did not say whether they are stored", len(items)
        )
        self.answer_all(items, UnknownResult(retry_after_ms=IN_DOUBT_RETRY_MS))
        for id in list(self.in_doubt)[:-IN_DOUBT_KEPT]:
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


def resolve(future: Future[Any], outcome: Outcome[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome.result, Refusal):
        future.set_exception(outcome.result)
    else:
        future.set_result(outcome.result)


def run_after_commit(outcome: Outcome[Any]) -> bool:
    """Run the work of one outcome. The message is stored and acknowledged, so an error is logged and fails
    nothing else.

    Returns: False after an error of the database, whose connection may be unusable.
    """
    if outcome.after_commit is None:
        return True
    try:
        outcome.after_commit()
    except Exception as error:
        log_unexpected("work after a commit failed with a %s", error)
        return not isinstance(error, Error)
    return True


def refusal_for(error: Exception) -> Refusal:
    """A retryable answer for every transient error."""
    if isinstance(error, TRANSIENT_ERRORS):
        return refusal_for_transient(error)
    log_unexpected("the journal met a %s that it does not know", error)
    return Refusal()


def log_unexpected(sentence: str, error: Exception) -> None:
    """The class and the stack only: the text of an error may quote a body."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error(f"{sentence}\n%s", type(error).__name__, where)


writer = Writer()


def submit(command: Command[R]) -> Future[R]:
    """Write one command and get a future of its result; it fails with a Refusal.

    With JOURNAL_INLINE (ordinary tests, management commands) the write, and the work after it, happen in the
    calling thread before this returns.
    """
    if not settings.JOURNAL_INLINE:
        return writer.submit(command)
    outcomes, pushes = batch.write([command])
    future: Future[R] = Future()
    resolve(future, outcomes[0])
    run_after_commit(outcomes[0])
    publish(pushes)
    return future
