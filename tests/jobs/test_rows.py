"""Rows of jobs: due, claimed, tried again, kept; and what is never stored."""

from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from conversations.jobs import rows
from conversations.jobs.backend import enqueue_all
from tests.jobs.sample_jobs import SECRET_TEXT, exporting, failing, fails_once, notes, noting, returning
from tests.jobs.workers import later, run_due_jobs
from tests.rig.plans import plan_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.both_databases,
    pytest.mark.usefixtures("_still_clock"),
]


def status_of(added: Any) -> str:
    return DBTaskResult.objects.get(pk=added.id).status


def claim(queue: str = "default", worker: str = "one") -> rows.Job | None:
    return rows.exchange(queue, worker, None, take=True)


def everything_stored() -> str:
    return str(list(DBTaskResult.objects.values()))


def test_a_job_runs_once_and_its_row_says_so() -> None:
    added = noting.enqueue(7)
    assert run_due_jobs() == 1
    assert len(notes("ran-7")) == 1
    assert status_of(added) == "SUCCESSFUL"
    assert run_due_jobs() == 0


def test_a_job_that_fails_is_tried_five_times_with_growing_pauses_and_then_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    added = failing.enqueue(1)
    waited = 0
    for attempt, pause in enumerate((*rows.BACKOFF_SECONDS, 100_000), start=1):
        with later(seconds=waited):
            assert run_due_jobs() == 1
            assert run_due_jobs() == 0, "it waits"
        waited += pause + 1
        assert len(notes("failed-1")) == attempt
    assert status_of(added) == "FAILED"
    with later(days=20):
        assert run_due_jobs() == 0
    assert len([line for line in caplog.messages if "failed with a ValueError" in line]) == 5


def test_of_an_error_only_the_class_is_kept_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What a user wrote must not outlive its deletion in a traceback (docs/threats.md T63)."""
    added = failing.enqueue(1)
    run_due_jobs()
    row = DBTaskResult.objects.get(pk=added.id)
    assert (row.exception_class_path, row.traceback, row.return_value) == ("builtins.ValueError", "", None)
    assert SECRET_TEXT not in everything_stored()
    assert SECRET_TEXT not in caplog.text
    assert "sample_jobs.py" in caplog.text, "the log says where it happened"


def test_what_a_job_returns_is_not_stored() -> None:
    returning.enqueue(1)
    run_due_jobs()
    assert SECRET_TEXT not in everything_stored()


def test_a_job_that_fails_once_succeeds_at_the_second_attempt() -> None:
    added = fails_once.enqueue(1)
    run_due_jobs()
    assert status_of(added) == "READY"
    with later(seconds=2):
        run_due_jobs()
    assert status_of(added) == "SUCCESSFUL"


def test_a_claimed_job_is_not_given_to_another_process_before_its_lease_ends() -> None:
    noting.enqueue(1)
    assert claim(worker="one") is not None
    assert claim(worker="two") is None
    with later(seconds=59):
        assert claim(worker="two") is None
    with later(seconds=61):
        taken = claim(worker="two")
    assert taken is not None
    assert taken.worker_ids == ["one", "two"]


def test_each_queue_has_its_own_lease() -> None:
    exporting.enqueue(1)
    assert claim("exports") is not None
    with later(minutes=29):
        assert claim("exports") is None
    with later(minutes=31):
        assert claim("exports") is not None


def test_a_process_that_comes_back_after_its_lease_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    added = noting.enqueue(1)
    late = claim(worker="late")
    assert late is not None
    with later(seconds=61):
        assert claim(worker="other") is not None
        rows.exchange("default", "late", rows.Ended(late), take=False)
        rows.release(late)
    row = DBTaskResult.objects.get(pk=added.id)
    assert (row.status, row.worker_ids) == ("RUNNING", ["late", "other"])
    assert "noting ended after its lease" in caplog.text


def test_a_job_that_ends_its_process_each_time_is_not_taken_a_sixth_time() -> None:
    added = noting.enqueue(1)
    for attempt in range(rows.ATTEMPTS):
        with later(seconds=61 * attempt):
            assert claim(worker=str(attempt)) is not None
    noting.enqueue(2)
    with later(seconds=61 * rows.ATTEMPTS):
        job = claim()
    assert job is not None
    assert job.args_kwargs["args"] == [2], "the next one is taken instead"
    row = DBTaskResult.objects.get(pk=added.id)
    assert (row.status, row.exception_class_path) == ("FAILED", "conversations.jobs.rows.LeaseExpired")


def test_a_clock_that_was_wrong_by_a_year_blocks_no_job() -> None:
    """docs/threats.md F17."""
    noting.enqueue(1)
    with later(days=365):
        assert claim() is not None
    assert claim() is not None


def test_an_attempt_that_was_put_off_by_a_wrong_clock_is_made() -> None:
    """docs/threats.md F17."""
    failing.enqueue(1)
    with later(days=365):
        assert run_due_jobs() == 1
    assert rows.due_queue(["default"]) == "default"
    assert run_due_jobs() == 1
    assert (rows.due_queue(["default"]), run_due_jobs()) == (None, 0), "it waits for its pause"


def test_a_process_whose_clock_is_behind_does_not_take_a_running_job() -> None:
    exporting.enqueue(1)
    with later(seconds=30):
        assert claim("exports") is not None
    assert claim("exports") is None
    assert rows.due_queue(["exports"]) is None


def test_a_job_that_is_given_back_has_lost_no_attempt() -> None:
    noting.enqueue(1)
    job = claim(worker="one")
    assert job is not None
    rows.release(job)
    again = claim(worker="two")
    assert again is not None
    assert again.worker_ids == ["two"]


def test_a_rollback_takes_the_job_back() -> None:
    with transaction.atomic():
        noting.enqueue(1)
        enqueue_all(noting, [(2,), (3,)])
        transaction.set_rollback(True)
    assert run_due_jobs() == 0


def test_a_job_whose_code_is_gone_is_kept_and_holds_up_no_other() -> None:
    DBTaskResult.objects.create(
        args_kwargs={"args": [], "kwargs": {}},
        task_path="conversations.jobs.of_a_former_release.nothing",
        run_after=timezone.now(),
        backend_name="default",
    )
    noting.enqueue(1)
    assert run_due_jobs() == 2
    assert len(notes("ran-1")) == 1


def test_the_poll_finds_what_can_be_claimed_and_nothing_else() -> None:
    """The poll is a statement of its own, beside the conditions of the claim."""
    poll = partial(rows.due_queue, ["default", "exports"])
    assert poll() is None
    exporting.enqueue(1)
    assert poll() == "exports"
    assert rows.due_queue(["default", "media"]) is None
    job = claim("exports")
    assert job is not None
    assert poll() is None
    with later(minutes=31):
        assert poll() == "exports"
    rows.exchange("exports", "one", rows.Ended(job, ValueError()), take=False)
    assert poll() is None, "it waits for the next attempt"
    with later(seconds=2):
        assert poll() == "exports"
        assert claim("exports") is not None
    with later(days=-365):
        assert poll() == "exports", "the clock was wrong by a year"
        rows.exchange("exports", "one", rows.Ended(DBTaskResult.objects.get()), take=False)
    assert poll() is None


def test_the_poll_and_the_claim_use_the_index() -> None:
    """It is ours on a table of django-tasks-db, so a migration of theirs might drop it. Without it each poll
    would read every row."""
    done = [
        DBTaskResult(
            args_kwargs={},
            task_path="x",
            status="SUCCESSFUL",
            run_after=timezone.now(),
            backend_name="default",
        )
        for _ in range(3_000)
    ]
    DBTaskResult.objects.bulk_create(done)
    with CaptureQueriesContext(connection) as asked:
        rows.due_queue(["default", "media"])
        claim()
    plans = [
        plan_of(query["sql"], table="django_tasks_database_dbtaskresult")
        for query in asked
        if query["sql"].lstrip().startswith("SELECT")
    ]
    assert len(plans) == 3
    # PostgreSQL has another one for waiting jobs.
    assert all("job_by_status" in plan or "tasks_db_new_ordering_idx" in plan for plan in plans)
    assert "job_by_status" in plans[0]
