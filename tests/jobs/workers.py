"""Runs jobs in tests: in the calling thread, or by engines on threads of their own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import time_machine
from django.utils import timezone

from conversations.jobs import rows
from conversations.jobs.backend import leases
from conversations.jobs.engine import Engine, perform


def run_due_jobs() -> int:
    """Run every job that is due, also those that these add. Returns how many attempts that took."""
    attempts = 0
    for queue in leases():
        ended = None
        while (job := rows.exchange(queue, "test", ended, take=True)) is not None:
            ended = perform(job)
            attempts += 1
    return attempts


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


@contextmanager
def later(**pause: float) -> Iterator[None]:
    """The clock of this process shows so much more, and stands still."""
    with time_machine.travel(timezone.now() + timedelta(**pause), tick=False):
        yield


@contextmanager
def running_engines(how_many: int = 1) -> Iterator[list[Engine]]:
    """Several engines on one database, like several processes. Each ends with the block."""
    engines = [Engine() for _ in range(how_many)]
    for engine in engines:
        engine.start()
    try:
        yield engines
    finally:
        for engine in engines:
            engine.finish(60)
