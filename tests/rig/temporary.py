"""Temporary folders that a killed run leaves, and the next one removes.

Each is locked by its process as long as that lives. One without a lock is left over: the first folder that a
process makes removes them, and stops a PostgreSQL cluster in them. Those of a run beside stay.
"""

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

OWNER = ".owner"
_locks: dict[Path, IO[str]] = {}


def make_folder(kind: str, *, within: str | None = None) -> Path:
    """A new folder of this process: /tmp/entre-<kind>-..."""
    parent = Path(within or tempfile.gettempdir())
    remove_stale(parent)
    # Under its final name only once it is locked, or another process would take it for a stale one.
    made = Path(tempfile.mkdtemp(prefix=f"new-entre-{kind}-", dir=parent))
    lock = (made / OWNER).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = made.rename(made.with_name(made.name.removeprefix("new-")))
    _locks[folder] = lock
    return folder


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock := _locks.pop(folder, None):
        lock.close()


@contextmanager
def temporary_folder(kind: str, *, within: str | None = None) -> Iterator[Path]:
    folder = make_folder(kind, within=within)
    try:
        yield folder
    finally:
        remove_folder(folder)


@cache
def remove_stale(parent: Path) -> None:
    """Once for each process. A folder without a lock file is none of ours."""
    for owner in parent.glob(f"entre-*/{OWNER}"):
        with suppress(OSError), owner.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stop_cluster(owner.parent / "data")
            shutil.rmtree(owner.parent, ignore_errors=True)


def stop_cluster(cluster: Path) -> None:
    """Stop a PostgreSQL that outlived its test process. Its number may be that of another process by now."""
    with suppress(OSError, ValueError):
        number = int((cluster / "postmaster.pid").read_text(encoding="ascii").split()[0])
        if Path(f"/proc/{number}/cwd").resolve() == cluster.resolve():
            # Immediate: nothing in it is wanted any more.
            os.kill(number, signal.SIGQUIT)
