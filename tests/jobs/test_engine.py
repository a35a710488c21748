"""The engine: threads by queue, work after the commit, errors of the database, and a graceful end."""

import logging
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, OperationalError, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.log_limits import OnceAMinute
from conversations.db import errors as db_errors
from conversations.db.errors import CircuitBreaker
from conversations.jobs import engine as engine_module
from conversations.jobs import rows
from conversations.jobs.backend import enqueue_all, leases
from conversations.jobs.beats import Beat
from conversations.jobs.engine import Engine
from conversations.models import Beat as BeatRow
from tests.jobs.sample_jobs import (
    SECRET_TEXT,
    exporting,
    notes,
    noting,
    ticking,
    waiting_for_the_gate,
)
from tests.jobs.workers import running_engines, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _no_checks_after_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks on a new connection are tested in tests/journal/test_restore.py."""
    monkeypatch.setattr(db_errors, "after_connecting", [])
    monkeypatch.setattr(db_errors, "breaker", CircuitBreaker())
    monkeypatch.setattr(engine_module, "limited", OnceAMinute(engine_module.logger))


def statuses() -> list[str]:
    return list(DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True))


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("jobs")}


def test_a_job_begins_after_the_commit_and_not_before() -> None:
    with running_engines():
        with transaction.atomic():
            noting.enqueue(1)
            # On SQLite the engine could not even claim another job now; on PostgreSQL it runs this one.
            if transaction.get_connection().vendor == "postgresql":
                threading.Thread(target=add_elsewhere).start()
                until(lambda: notes("ran-2"), "the engine runs what is committed")
            assert notes("ran-1") == []
        until(lambda: notes("ran-1"), "it runs after the commit")


def add_elsewhere() -> None:
    noting.enqueue(2)
    transaction.get_connection().close()


def test_three_engines_run_150_jobs_once_each() -> None:
    enqueue_all(noting, [(number,) for number in range(150)])
    with running_engines(3):
        until(lambda: statuses() == ["SUCCESSFUL"] * 150, "all have run")
    assert [len(notes(f"ran-{number}")) for number in range(150)] == [1] * 150


def test_a_long_job_holds_up_no_other_queue(gate: Path) -> None:
    with running_engines():
        exporting.enqueue(1)
        until(lambda: notes("began-1"), "the export runs")
        noting.enqueue(2)
        until(lambda: notes("ran-2"), "the other queue goes on")
        assert notes("done-1") == []
        gate.touch()
        until(lambda: notes("done-1"), "the export ends")


def test_a_job_that_hangs_holds_up_its_queue_until_its_lease_ends(
    gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the only process there is: the thread of the job cannot be ended, so another one goes on."""
    with running_engines():
        exporting.enqueue(1)
        until(lambda: notes("began-1"), "the export runs")
        exporting.enqueue(2)
        with monkeypatch.context() as lease:
            ended = dict.fromkeys(leases(), 0)
            lease.setattr(engine_module, "leases", lambda: ended)
            until(lambda: notes("began-2"), "the next one runs beside it")
        assert notes("done-1") == []
        gate.touch()
        until(lambda: statuses() == ["SUCCESSFUL"] * 2, "both end")
        until(lambda: threads() == {"jobs"}, "the thread that was left takes no other job")


def test_threads_and_connections_are_given_back_after_the_work(gate: Path) -> None:
    with running_engines():
        waiting_for_the_gate.enqueue(1)
        exporting.enqueue(2)
        until(lambda: threads() == {"jobs", "jobs-default", "jobs-exports"}, "two queues work")
        gate.touch()
        until(lambda: threads() == {"jobs"}, "only the poll is left")
    assert threads() == set()


def test_without_a_database_the_engine_waits_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine_module, "UNAVAILABLE_SECONDS", 0.01)
    polls: list[int] = []
    find = rows.due_queue

    def fail_ten_times(among: Any) -> str | None:
        polls.append(1)
        if len(polls) <= 10:
            raise OperationalError(SECRET_TEXT)
        return find(among)

    monkeypatch.setattr(rows, "due_queue", fail_ten_times)
    caplog.set_level(logging.INFO)
    noting.enqueue(1)
    with running_engines():
        until(lambda: statuses() == ["SUCCESSFUL"], "it runs when the database is back")
    assert caplog.text.count("the database is unavailable") == 1
    assert SECRET_TEXT not in caplog.text


def test_an_outage_at_the_end_of_a_job_runs_it_no_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "UNAVAILABLE_SECONDS", 0.01)
    write, failed = rows.write_down, []

    def fail_ten_times(ended: rows.Ended) -> None:
        if len(failed) < 10:
            failed.append(1)
            raise OperationalError("the connection is gone")
        write(ended)

    monkeypatch.setattr(rows, "write_down", fail_ten_times)
    noting.enqueue(1)
    with running_engines():
        until(lambda: statuses() == ["SUCCESSFUL"], "it is written down when the database is back")
    assert len(notes("ran-1")) == 1


def test_after_an_outage_that_outlasts_the_lease_the_job_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    write, failed = rows.write_down, []

    def fail_once(ended: rows.Ended) -> None:
        if not failed:
            failed.append(1)
            raise DataError("an error that does not pass")
        write(ended)

    monkeypatch.setattr(rows, "write_down", fail_once)
    noting.enqueue(1)
    with running_engines():
        until(lambda: failed and threads() == {"jobs"}, "the attempt is over")
        assert statuses() == ["RUNNING"], "until the end of its lease"
        DBTaskResult.objects.update(run_after=timezone.now())
        until(lambda: statuses() == ["SUCCESSFUL"], "it runs again")
    assert len(notes("ran-1")) == 2


def test_a_beat_that_cannot_be_asked_holds_up_neither_the_others_nor_jobs(
    gate: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []

    def fail() -> bool:
        asked.append(1)
        raise ZeroDivisionError

    for name in ("ticking", "noting"):
        BeatRow.objects.create(name=name, due_at=timezone.now())
    every = timedelta(minutes=1)
    monkeypatch.setattr(
        engine_module, "BEATS", (Beat(ticking, every, fail), Beat(noting, every, lambda: False))
    )
    monkeypatch.setattr(engine_module, "UNAVAILABLE_SECONDS", 0.01)
    with running_engines() as (engine,):
        until(lambda: "noting" in engine.beats_due, "the other beat is asked")
        waiting_for_the_gate.enqueue(1)
        until(lambda: notes("began-1"), "jobs run")
        gate.touch()
    assert asked == [1]
    assert caplog.text.count("failed with a ZeroDivisionError") == 1


def test_a_graceful_end_waits_for_the_running_job_and_begins_no_other(gate: Path) -> None:
    engine = Engine()
    engine.start()
    waiting_for_the_gate.enqueue(1)
    until(lambda: notes("began-1"), "it runs")
    noting.enqueue(2)
    engine.stop()
    gate.touch()
    assert engine.finish(60)
    assert statuses() == ["SUCCESSFUL", "READY"]
    assert threads() == set()


def test_a_job_that_takes_too_long_at_the_end_is_given_back_at_once(gate: Path) -> None:
    engine = Engine()
    engine.start()
    exporting.enqueue(1)
    until(lambda: notes("began-1"), "it runs")
    assert not engine.finish(0.1)
    engine.release()
    row = DBTaskResult.objects.get()
    assert (row.status, row.worker_ids) == ("READY", [])
    with running_engines():
        until(
            lambda: len(notes("began-1")) == 2, "another process has it, half an hour before its lease ends"
        )
        gate.touch()
        until(lambda: statuses() == ["SUCCESSFUL"], "and finishes it")
    assert engine.finish(60)
    assert statuses() == ["SUCCESSFUL"], "the first process changed nothing"
