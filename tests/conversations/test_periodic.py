"""Periodic tasks and per-loop objects: errors end no task, and a stop leaves nothing running."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from conversations.exceptions import Busy
from conversations.monitors.periodic import PeriodicTask, PerLoop

logger = logging.getLogger(__name__)


class Work:
    """Counts its runs; raises what a test has put into `errors`."""

    def __init__(self) -> None:
        self.runs = 0
        self.errors: list[Exception] = []
        self.ran = asyncio.Event()

    async def run(self) -> None:
        self.runs += 1
        self.ran.set()
        if self.errors:
            raise self.errors.pop(0)

    async def until(self, runs: int) -> None:
        async with asyncio.timeout(10):
            while self.runs < runs:
                self.ran.clear()
                await self.ran.wait()


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def task(work: Work) -> AsyncIterator[PeriodicTask]:
    task = PeriodicTask(work.run, seconds=lambda: 0.001, logger=logger, name="the work")
    yield task
    task.stop()


async def test_it_runs_again_and_again_until_it_is_stopped(work: Work, task: PeriodicTask) -> None:
    assert task.start()
    assert not task.start(), "it runs already"
    await work.until(3)
    task.stop()
    runs = work.runs
    await asyncio.sleep(0.01)
    assert work.runs == runs


async def test_an_error_is_logged_and_ends_nothing(
    work: Work, task: PeriodicTask, caplog: pytest.LogCaptureFixture
) -> None:
    work.errors = [Busy(), ZeroDivisionError()]
    task.start()
    await work.until(3)
    assert [record.getMessage() for record in caplog.records] == [
        "the work: the database is unavailable; the next run covers this one",
        "the work failed; the next run covers it",
    ]


async def test_a_start_right_after_a_stop_starts_a_new_task(work: Work, task: PeriodicTask) -> None:
    """A page that reloads: its old socket leaves and its new one joins within one turn of the loop."""
    task.start()
    await work.until(1)
    before = asyncio.all_tasks()
    task.stop()
    assert task.start()
    await work.until(work.runs + 2)
    assert len(asyncio.all_tasks()) == len(before)


async def test_a_wake_up_ends_the_pause(work: Work) -> None:
    task = PeriodicTask(work.run, seconds=lambda: 3600, logger=logger, name="the work")
    task.start()
    await asyncio.sleep(0)
    task.wake()
    await work.until(1)
    task.stop()


async def test_work_may_stop_its_own_task(work: Work) -> None:
    async def run() -> None:
        await work.run()
        task.stop()

    task = PeriodicTask(run, seconds=lambda: 0.001, logger=logger, name="the work")
    task.start()
    running = task.task
    assert running is not None
    await asyncio.wait([running], timeout=10)
    assert (running.done(), work.runs) == (True, 1)


async def test_what_prepares_runs_once_after_each_start(work: Work) -> None:
    prepared = Work()
    prepared.errors = [ZeroDivisionError()]
    task = PeriodicTask(work.run, seconds=lambda: 0.001, prepare=prepared.run, logger=logger, name="the work")
    for starts in (1, 2):
        task.start()
        await work.until(work.runs + 2)
        task.stop()
        assert prepared.runs == starts


def test_each_loop_has_its_own_object_and_those_of_closed_loops_are_dropped() -> None:
    made = PerLoop(object)

    async def twice() -> tuple[object, object]:
        return made(), made()

    found = []
    for _ in range(3):
        first, second = asyncio.run(twice())
        assert first is second
        found.append(first)
    assert len(set(map(id, found))) == 3
    assert len(made.objects) == 1
