"""Worker processes: killed in the middle of a job, several at once, and ended by a signal."""

import signal
from pathlib import Path

import pytest
from django_tasks_db.models import DBTaskResult

from conversations.jobs.backend import enqueue_all
from tests.jobs.processes import STOP_S, running_workers
from tests.jobs.sample_jobs import ends_the_process, exporting, notes, noting, waiting_for_the_gate
from tests.jobs.workers import later, run_due_jobs, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def statuses() -> list[str]:
    return list(DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True))


def test_after_kill_9_in_a_job_another_process_runs_it_when_the_lease_ends(gate: Path) -> None:
    """docs/threats.md F1."""
    waiting_for_the_gate.enqueue(1)
    with running_workers(gate.parent) as (worker,):
        until(lambda: notes("began-1"), "the worker runs it")
        worker.kill()
        worker.wait(STOP_S)
    gate.touch()
    assert statuses() == ["RUNNING"]
    assert run_due_jobs() == 0, "the worker could still be alive"
    with later(seconds=61):
        assert run_due_jobs() == 1
    assert statuses() == ["SUCCESSFUL"]
    assert (len(notes("began-1")), len(notes("done-1"))) == (2, 1)


def test_three_processes_run_150_jobs_once_each(gate: Path) -> None:
    with running_workers(gate.parent, 3):
        waiting = [exporting.enqueue(number) for number in (1001, 1002, 1003)]
        until(lambda: len(notes("began-100*")) == 3, "each of the three has one")
        assert len(waiting) == 3
        enqueue_all(noting, [(number,) for number in range(150)])
        until(lambda: statuses().count("SUCCESSFUL") == 150, "all have run")
    assert [len(notes(f"ran-{number}")) for number in range(150)] == [1] * 150


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_with_zero_after_the_running_job(gate: Path, how: signal.Signals) -> None:
    waiting_for_the_gate.enqueue(1)
    with running_workers(gate.parent) as (worker,):
        until(lambda: notes("began-1"), "the worker runs it")
        noting.enqueue(2)
        worker.send_signal(how)
        log = gate.parent / "worker-0.log"
        until(lambda: "The worker ends" in log.read_text(), "it begins no more jobs")
        gate.touch()
        assert worker.wait(STOP_S) == 0
    assert statuses() == ["SUCCESSFUL", "READY"]
    assert "Traceback" not in log.read_text()


def test_a_job_that_kills_its_worker_does_not_kill_a_sixth_one(gate: Path) -> None:
    ends_the_process.enqueue(1)
    with running_workers(gate.parent) as (worker,):
        assert worker.wait(STOP_S) == 9
    row = DBTaskResult.objects.get()
    row.worker_ids *= 5
    row.save()
    with later(seconds=61):
        assert run_due_jobs() == 0
    assert statuses() == ["FAILED"]
    assert len(notes("died-1")) == 1
