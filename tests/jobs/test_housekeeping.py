"""Housekeeping: what has expired goes, what has not stays; SQLite's log is emptied."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Device, HeldUsername, Profile, User
from conversations.jobs import checkpoint, rows
from conversations.jobs.beats import BEATS, fire
from conversations.jobs.housekeeping import handles_prune, jobs_prune, sessions_prune
from tests.factories import make_user
from tests.jobs.workers import later, run_due_jobs
from tests.rig.database_files import bytes_of


def twice(job: Any) -> None:
    for _ in range(2):
        job.enqueue()
        run_due_jobs()


@pytest.mark.django_db
@pytest.mark.both_databases
def test_expired_sessions_and_their_devices_are_deleted_however_many(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    for number in range(7):
        expires = now + timedelta(days=1) if number == 0 else now - timedelta(days=number)
        Session.objects.create(session_key=f"{number:032d}", session_data="", expire_date=expires)
        Device.objects.create(
            user=alice, session_key=f"{number:032d}", created_at=now, active_at=now - timedelta(days=2)
        )
    monkeypatch.setattr("conversations.jobs.housekeeping.SWEEP_BATCH", 7)
    twice(sessions_prune)
    assert list(Session.objects.values_list("pk", flat=True)) == ["0" * 32]
    assert list(Device.objects.values_list("session_key", flat=True)) == ["0" * 32]


@pytest.mark.django_db
@pytest.mark.both_databases
def test_a_former_username_is_forgotten_when_its_hold_is_over(alice: User) -> None:
    now = timezone.now()
    for name, until in (("alice_then", now - timedelta(days=1)), ("alice_before", now + timedelta(days=1))):
        HeldUsername.objects.create(username=name, skeleton=name, user=alice, until=until)
    twice(handles_prune)
    assert list(HeldUsername.objects.values_list("username", flat=True)) == ["alice_before"]


@pytest.mark.django_db
@pytest.mark.both_databases
def test_rows_of_jobs_go_when_they_have_ended_long_enough_ago() -> None:
    now = timezone.now()
    kept = {"READY": None, "RUNNING": None, "SUCCESSFUL": timedelta(minutes=59), "FAILED": timedelta(days=29)}
    gone = {"SUCCESSFUL": timedelta(minutes=61), "FAILED": timedelta(days=31)}
    for name, ages in (("kept", kept), ("gone", gone)):
        for status, age in ages.items():
            DBTaskResult.objects.create(
                args_kwargs={"args": [], "kwargs": {}},
                task_path=name,
                backend_name="default",
                status=status,
                run_after=now + timedelta(minutes=1),
                finished_at=now - age if age else None,
            )
    twice(jobs_prune)
    paths = list(
        DBTaskResult.objects.exclude(task_path=jobs_prune.module_path).values_list("task_path", flat=True)
    )
    assert paths == ["kept"] * 4


@pytest.mark.django_db
def test_more_rows_than_a_batch_are_deleted_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PRUNE_BATCH", 2)
    old = timezone.now() - timedelta(days=1)
    DBTaskResult.objects.bulk_create(
        DBTaskResult(
            args_kwargs={},
            task_path="x",
            status="SUCCESSFUL",
            run_after=old,
            finished_at=old,
            backend_name="default",
        )
        for _ in range(5)
    )
    jobs_prune.call()
    assert not DBTaskResult.objects.exists()


@pytest.mark.django_db
@pytest.mark.both_databases
def test_all_beats_are_added_and_run_when_their_time_has_come() -> None:
    beats = [replace(beat, is_needed=None) for beat in BEATS]
    for beat in beats:
        fire(beat, timezone.now())
    with later(days=2):
        for beat in beats:
            fire(beat, timezone.now())
        run_due_jobs()
    ended = dict(DBTaskResult.objects.values_list("task_path", "status"))
    assert ended == {beat.job.module_path: "SUCCESSFUL" for beat in BEATS}


# --- SQLite's log ---


def log_file() -> Path:
    return Path(f"{connection.settings_dict['NAME']}-wal")


@pytest.mark.django_db(transaction=True)
def test_a_deleted_name_is_readable_in_no_file_after_the_checkpoint() -> None:
    """docs/threats.md T63."""
    name = "Canarina Passerini"
    person = make_user("canary", name)
    User.objects.filter(pk=person.pk).update(name="")
    Profile.objects.filter(user=person).update(search_key="")
    assert name.encode() in bytes_of(log_file())
    assert checkpoint.checkpoint_if_filled() == checkpoint.EVERY_SECONDS
    assert log_file().stat().st_size == 0
    assert not checkpoint.is_log_filled()
    for file in (log_file(), Path(connection.settings_dict["NAME"])):
        assert name.encode() not in bytes_of(file)


@pytest.mark.django_db(transaction=True)
def test_a_reader_does_not_hold_up_a_checkpoint_for_long_and_the_next_is_soon() -> None:
    make_user("somebody")
    reader = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM accounts_user").fetchone()
        make_user("another")
        assert checkpoint.checkpoint_if_filled() == checkpoint.RETRY_SECONDS
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA busy_timeout").fetchone() == (5000,), "as it was before"
    finally:
        reader.close()
    assert checkpoint.checkpoint_if_filled() == checkpoint.EVERY_SECONDS
    assert not checkpoint.is_log_filled()
