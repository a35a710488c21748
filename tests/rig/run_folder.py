"""A folder of the whole test run, for what its processes make once: static files, a migrated database."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from tests.rig.temporary import make_folder, remove_folder

VARIABLE = "ENTRE_TEST_RUN"


def create_run_folder() -> None:
    """Called once, before the workers start: they inherit the name."""
    os.environ[VARIABLE] = str(make_folder("run"))


def remove_run_folder() -> None:
    remove_folder(Path(os.environ.pop(VARIABLE)))


def run_folder() -> Path | None:
    """None outside of a test run, in benchmarks and tools."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def once(result: Path, make: Callable[[], object]) -> None:
    """Call `make` in the first process that asks for this result. The others wait until it returned."""
    done = Path(f"{result}.done")
    with Path(f"{result}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make()
            done.touch()
