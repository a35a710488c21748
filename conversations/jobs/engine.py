"""Jobs engine: one thread that polls for due jobs, and one for each queue while it has any.

Ours, because the worker of django-tasks-db leaves a job running for ever when its process is killed, never
tries again, and stores tracebacks (docs/adr/0015). It may find no database at any time, and then waits.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
import traceback
from datetime import datetime, timedelta

from django.db import Error, connection
from django.utils import timezone

from accounts.log_limits import OnceAMinute
from conversations.db.errors import TRANSIENT_ERRORS, ensure_connection, refusal_for
from conversations.jobs import rows
from conversations.jobs.backend import leases, woken
from conversations.jobs.beats import BEATS, fire, is_due
from conversations.jobs.checkpoint import checkpoint_if_filled

logger = logging.getLogger(__name__)
limited = OnceAMinute(logger)
POLL_SECONDS, UNAVAILABLE_SECONDS = 0.25, 1.0
"""The pause between two polls, and after one that failed. A job that this process adds does not wait for it.
"""
BEAT_RETRY_SECONDS = 10
MOST_HANGING = 5
"""Threads of jobs that outlived their lease. Threads cannot be ended; more of them would fill the process."""


class Engine:
    """Runs jobs from `start` to `finish`. A process needs one."""

    def __init__(self) -> None:
        self.worker = secrets.token_hex(4)
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None
        self.runners: dict[str, Runner] = {}
        """By queue, so that an export of many minutes does not hold up what takes milliseconds. Only the
        polling thread touches it while that runs."""
        self.hanging: list[Runner] = []
        self.beats_due: dict[str, datetime] = {}
        self.checkpoint_at = 0.0

    def start(self) -> None:
        self.thread = threading.Thread(target=self.run, name="jobs", daemon=True)
        self.thread.start()

    def run(self) -> None:
        while not self.stopping.is_set():
            pause = POLL_SECONDS if self.attempt_poll() else UNAVAILABLE_SECONDS
            woken.wait(pause)
            woken.clear()
        connection.close()

    def attempt_poll(self) -> bool:
        """False when it failed: the next one covers it."""
        try:
            ensure_connection()
            self.poll()
        except Exception as error:
            report("the poll for jobs", error)
            return False
        return True

    def poll(self) -> None:
        self.runners = {queue: runner for queue, runner in self.runners.items() if runner.is_alive()}
        self.leave_hanging()
        free = leases().keys() - self.runners.keys()
        while free and (queue := rows.due_queue(free)) is not None:
            free.remove(queue)
            self.runners[queue] = Runner(queue, self.worker, self.stopping)
            self.runners[queue].start()
        now = timezone.now()
        for beat in BEATS:
            if is_due(beat, self.beats_due.get(beat.name), now):
                # In case it fails: the next poll goes on with the others.
                self.beats_due[beat.name] = now + timedelta(seconds=BEAT_RETRY_SECONDS)
                self.beats_due[beat.name] = fire(beat, now)
        if time.monotonic() >= self.checkpoint_at:
            self.checkpoint_at = time.monotonic() + checkpoint_if_filled()

    def leave_hanging(self) -> None:
        """A job that never ends must not hold up its queue for as long as the process lives: after its lease
        another thread goes on, and it counts as an attempt that failed."""
        self.hanging = [runner for runner in self.hanging if runner.is_alive()]
        for queue, runner in list(self.runners.items()):
            if runner.is_overdue() and len(self.hanging) < MOST_HANGING:
                limited.warning("a job of the queue %s takes longer than its lease", queue)
                runner.is_left = True
                self.hanging.append(self.runners.pop(queue))

    # The end of the process

    def stop(self) -> None:
        """Begin no more jobs. Returns at once."""
        self.stopping.set()
        woken.set()

    def finish(self, seconds: float) -> bool:
        """Stop, and wait for the jobs that run. False on timeout."""
        self.stop()
        deadline = time.monotonic() + seconds
        for thread in (self.thread, *self.runners.values()):
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(runner.is_alive() for runner in self.runners.values())

    def release(self) -> None:
        """Give back the jobs that `finish` did not wait for: another process takes them now, not after their
        lease."""
        for runner in self.runners.values():
            if (job := runner.job) is not None:
                try:
                    rows.release(job)
                except Error as error:
                    report("giving a job back", error)


class Runner(threading.Thread):
    """Runs the due jobs of one queue, one after the other, and ends with the last. It gives its connection
    back."""

    def __init__(self, queue: str, worker: str, stopping: threading.Event) -> None:
        super().__init__(name=f"jobs-{queue}", daemon=True)
        self.queue, self.worker, self.stopping = queue, worker, stopping
        self.job: rows.Job | None = None
        """The job that runs at this moment."""
        self.claimed_at = time.monotonic()
        self.is_left = False
        """Another thread has the queue now: this one ends with its job."""

    def is_overdue(self) -> bool:
        """Has its job outlived the lease? By the monotonic clock, which no operator sets."""
        return self.job is not None and time.monotonic() - self.claimed_at > leases()[self.queue]

    def run(self) -> None:
        try:
            ended: rows.Ended | None = None
            while (job := self.take(ended)) is not None:
                ended = perform(job)
        except Exception as error:
            # What was claimed runs again after its lease.
            report(f"the queue {self.queue}", error)
        else:
            # A job that was added since the last claim has woken the poll while this thread was alive.
            woken.set()
        finally:
            connection.close()

    def take(self, ended: rows.Ended | None) -> rows.Job | None:
        """The next job. While the database is unavailable, how the last one ended is kept until it can be
        written down, as long as the lease holds: it would run a second time."""
        while True:
            try:
                ensure_connection()
                take = not self.stopping.is_set() and not self.is_left
                self.claimed_at = time.monotonic()
                self.job = rows.exchange(self.queue, self.worker, ended, take=take)
            except TRANSIENT_ERRORS as error:
                if ended is None or ended.job.run_after < timezone.now():
                    raise
                report(f"the queue {self.queue}", error)
                if self.stopping.wait(UNAVAILABLE_SECONDS):
                    raise
            else:
                return self.job


def perform(job: rows.Job) -> rows.Ended:
    """Run a claimed job outside of any transaction: it decides itself how long it locks what."""
    try:
        job.task.call(*job.args_kwargs["args"], **job.args_kwargs["kwargs"])
    except BaseException as error:
        log_unexpected(f"attempt {len(job.worker_ids)} of job {job.task_path}", error)
        if isinstance(error, Error):
            connection.close()
        return rows.Ended(job, error)
    return rows.Ended(job)


def report(what: str, error: BaseException) -> None:
    """After an error of the database, drop the connection. An outage is one line a minute."""
    if isinstance(error, Error):
        connection.close()
    if isinstance(error, TRANSIENT_ERRORS):
        refusal_for(error)
        limited.warning("%s: the database is unavailable (%s)", what, type(error).__name__)
    else:
        log_unexpected(what, error)


def log_unexpected(what: str, error: BaseException) -> None:
    """The class and the stack only: the text of an error may quote a message."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed with a %s\n%s", what, type(error).__name__, where)


engine = Engine()
