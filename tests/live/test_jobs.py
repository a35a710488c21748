"""Jobs in the real server: it runs them itself or leaves them to a worker, and its end gives them back."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from tests.conftest import ServerMaker
from tests.jobs.sample_jobs import NOTES
from tests.jobs.workers import until
from tests.rig.daphne_server import SQLITE, EntreServer
from tests.rig.environment import ROOT, setting_names
from tests.rig.people import Person
from tests.rig.units import unit


@contextmanager
def database_of(server: EntreServer) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(server.data_folder / SQLITE, isolation_level=None)) as database:
        yield database


def add_job(server: EntreServer, name: str, queue: str = "default") -> None:
    """As a transaction of another process adds it."""
    values = {
        "id": uuid4().hex,
        "status": "READY",
        "enqueued_at": timezone.now(),
        "args_kwargs": json.dumps({"args": [1], "kwargs": {}}),
        "priority": 0,
        "task_path": f"tests.jobs.sample_jobs.{name}",
        "worker_ids": "[]",
        "queue_name": queue,
        "backend_name": "default",
        "run_after": "9999-01-01 00:00:00",
        "exception_class_path": "",
        "traceback": "",
    }
    with database_of(server) as database:
        columns, places = ", ".join(values), ", ".join("?" * len(values))
        database.execute(
            f"INSERT INTO django_tasks_database_dbtaskresult ({columns}) VALUES ({places})",
            [str(value) for value in values.values()],
        )


def rows_of(server: EntreServer) -> list[tuple[str, str]]:
    with database_of(server) as database:
        return list(database.execute("SELECT status, worker_ids FROM django_tasks_database_dbtaskresult"))


def begun(folder: Path, name: str) -> bool:
    return any(folder.glob(f"{name}.*"))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_ends_gives_back_a_job_that_takes_too_long(
    start_server: ServerMaker, tmp_path: Path, how: signal.Signals
) -> None:
    server = start_server(**{NOTES: str(tmp_path)})
    add_job(server, "exporting", "exports")
    until(lambda: begun(tmp_path, "began-1"), "the server runs it")
    assert server.stop(how=how) == 0
    assert rows_of(server) == [("READY", "[]")]
    assert "Traceback" not in server.log()


def test_a_killed_server_begins_the_job_again_when_it_is_back(
    start_server: ServerMaker, tmp_path: Path
) -> None:
    """docs/threats.md F33."""
    server = start_server(**{NOTES: str(tmp_path)})
    add_job(server, "waiting_for_the_gate")
    until(lambda: begun(tmp_path, "began-1"), "the server runs it")
    server.stop(how=signal.SIGKILL)
    (tmp_path / "gate").touch()
    with database_of(server) as database:
        # A minute passes.
        database.execute(
            "UPDATE django_tasks_database_dbtaskresult SET run_after = ?",
            [str(timezone.now().replace(tzinfo=None))],
        )
    server.start()
    until(lambda: [status for status, _ in rows_of(server)] == ["SUCCESSFUL"], "it runs again")
    assert begun(tmp_path, "done-1")


def test_a_worker_as_its_unit_starts_it_indexes_a_message_and_ends_in_time(
    start_server: ServerMaker, person_at: Callable[..., Person], tmp_path: Path
) -> None:
    server = start_server(JOBS="outside")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    alice.write(room, "the boat leaves at noon")

    def found_by(person: Person) -> list[str]:
        answer = person.api("GET", "/search?q=boat")
        return [item["message"]["body"] for item in answer.json()["items"]]

    assert found_by(bob) == [], "the server leaves it to a worker"
    worker = unit("entre-worker.service")
    # The values of .env, and from the environment nothing but what systemd and the unit set.
    values = {name: server.environment[name] for name in setting_names()}
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            worker.command,
            cwd=ROOT,
            env={**values, **worker.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        until(lambda: found_by(bob) == ["the boat leaves at noon"], "the worker indexes it")
        process.send_signal(getattr(signal, worker.value("KillSignal")))
        assert process.wait(float(worker.value("TimeoutStopSec"))) == 0
    finally:
        process.kill()
        process.wait()
    lines = log.read_text().splitlines()
    assert lines[-1] == "The worker ends, after the jobs that run"
    assert "Traceback" not in log.read_text()
    assert server.stop() == 0
