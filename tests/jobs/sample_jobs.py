"""Jobs of tests. They note that they ran in a row of their own, as several processes do not share a list."""

import os
import time
from pathlib import Path

from django_tasks import task

NOTES = "ENTRE_TEST_NOTES"
"""Environment variable: the directory in which each run leaves a file."""
SECRET_TEXT = "what alice wrote to bob"


def note(name: str) -> None:
    """One file for each run, named after the job and the process."""
    folder = Path(os.environ[NOTES])
    (folder / f"{name}.{os.getpid()}.{time.monotonic_ns()}").touch()


def notes(name: str = "") -> list[str]:
    return sorted(path.name for path in Path(os.environ[NOTES]).glob(f"{name}.*" if name else "*"))


@task
def noting(number: int) -> None:
    note(f"ran-{number}")


@task
def ticking() -> None:
    note("ticked")


@task
def failing(number: int) -> None:
    note(f"failed-{number}")
    raise ValueError(f"the text of an error may quote {SECRET_TEXT}")


@task
def fails_once(number: int) -> None:
    note(f"tried-{number}")
    if len(notes(f"tried-{number}")) == 1:
        raise ValueError(SECRET_TEXT)


@task
def returning(number: int) -> str:
    return SECRET_TEXT


@task
def waiting_for_the_gate(number: int) -> None:
    """Until the file `gate` exists."""
    note(f"began-{number}")
    while not (Path(os.environ[NOTES]) / "gate").exists():
        time.sleep(0.01)
    note(f"done-{number}")


@task(queue_name="exports")
def exporting(number: int) -> None:
    waiting_for_the_gate.func(number)


@task
def ends_the_process(number: int) -> None:
    note(f"died-{number}")
    os._exit(9)
