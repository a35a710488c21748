"""Beats: recurring jobs are added once, by one of all processes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from conversations.jobs.beats import BEATS, Beat, fire
from conversations.models import Beat as BeatRow
from tests.conversations.races import at_once
from tests.jobs.sample_jobs import ticking
from tests.jobs.workers import later, run_due_jobs

TICK = Beat(ticking, timedelta(seconds=10))


def added() -> int:
    return DBTaskResult.objects.filter(task_path=ticking.module_path).count()


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.usefixtures("_still_clock")
class TestFiring:
    def test_the_first_time_is_one_pause_after_the_first_start(self) -> None:
        now = timezone.now()
        assert fire(TICK, now) == now + TICK.every
        assert added() == 0
        assert fire(TICK, now) == now + TICK.every

    def test_it_adds_one_job_each_time_it_is_due(self) -> None:
        for round in range(3):
            with later(seconds=11 * round):
                fire(TICK, timezone.now())
                fire(TICK, timezone.now())
                run_due_jobs()
            assert added() == round

    def test_while_a_job_is_not_done_no_second_one_is_added(self) -> None:
        fire(TICK, timezone.now())
        for round in (1, 2, 3):
            with later(seconds=11 * round):
                fire(TICK, timezone.now())
        assert added() == 1

    def test_while_a_job_runs_its_beat_writes_nothing(self) -> None:
        BeatRow.objects.create(name="ticking", due_at=timezone.now())
        fire(TICK, timezone.now() + timedelta(seconds=1))
        with later(seconds=20), CaptureQueriesContext(connection) as asked:
            fire(TICK, timezone.now())
        assert {query["sql"].split()[0] for query in asked} == {"SELECT"}

    def test_what_is_not_needed_is_not_written(self) -> None:
        asked: list[int] = []
        quiet = Beat(ticking, TICK.every, lambda: bool(asked.append(1)))
        fire(quiet, timezone.now())
        before = BeatRow.objects.get(name="ticking").due_at
        with later(seconds=11):
            now = timezone.now()
            assert fire(quiet, now) == now + TICK.every
        assert asked == [1]
        assert BeatRow.objects.get(name="ticking").due_at == before
        assert added() == 0

    def test_a_clock_that_was_wrong_by_a_year_stops_no_beat(self) -> None:
        """docs/threats.md F17."""
        with later(days=365):
            fire(TICK, timezone.now())
        fire(TICK, timezone.now())
        assert added() == 1
        assert BeatRow.objects.get(name="ticking").due_at < timezone.now() + timedelta(minutes=1)

    def test_a_process_whose_clock_is_behind_does_not_add_the_job_early(self) -> None:
        with later(seconds=30):
            fire(TICK, timezone.now())
        fire(TICK, timezone.now())
        assert added() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_of_eight_processes_at_once_one_adds_the_job() -> None:
    BeatRow.objects.create(name="ticking", due_at=timezone.now())
    now = timezone.now() + timedelta(seconds=1)
    _, errors = at_once([lambda: fire(TICK, now)] * 8)
    assert errors == []
    assert added() == 1


def test_each_beat_has_a_name_of_its_own_that_fits_its_column() -> None:
    names = [beat.name for beat in BEATS]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 64
