"""Worker processes of tests, on the database of the running test."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests.jobs.sample_jobs import NOTES
from tests.rig.environment import ROOT, clean_environment

STOP_S = 60
Worker = subprocess.Popen[bytes]


def database_url() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    return f"postgres://{values['USER']}@{quote(values['HOST'], safe='')}/{values['NAME']}"


@contextmanager
def running_workers(folder: Path, how_many: int = 1) -> Iterator[list[Worker]]:
    """Processes of `python -m dm_project.worker`, which note in this folder. Killed when the block ends."""
    environment = {
        **clean_environment(),
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(settings.DATA_DIR),
        "JOBS": "outside",
        NOTES: str(folder),
    }
    with ExitStack() as stack:
        yield [
            stack.enter_context(running_worker(environment, folder / f"worker-{number}.log"))
            for number in range(how_many)
        ]


@contextmanager
def running_worker(environment: dict[str, str], log: Path) -> Iterator[Worker]:
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "dm_project.worker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait(STOP_S)
