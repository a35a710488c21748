"""Parts: an upload grows in one file on this machine, one part after the other.

The length of that file is how far the upload has come: there is no second place that a crash could leave
behind. Each part is on the disk before it is answered. A lock of the system on the file, which a killed
process loses, keeps two requests for one upload apart, also in two processes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from conversations.exceptions import Busy, StorageFull

WAIT_SECONDS, POLL_SECONDS = 5.0, 0.02
WAITING = threading.BoundedSemaphore(4)
"""Requests of this process that wait for a file: each holds a thread, of which pages need some, too."""
READ_BYTES = 64 * 1024
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Full, above a quota, or above a limit of the process."""


@dataclass(slots=True)
class PartFile:
    """The bytes of one upload so far. Made by `opened`, which holds the lock."""

    path: Path
    descriptor: int

    @property
    def offset(self) -> int:
        return os.fstat(self.descriptor).st_size

    def restart(self) -> None:
        """Drop what is there: the whole file comes again. Into a new file: after a crash the storage may have
        the former one as well, under its own name. The lock stays with this request."""
        fresh = self.path.with_name(f"{self.path.name}.new")
        descriptor = created(fresh)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.ftruncate(descriptor, 0)
            fresh.replace(self.path)
            os.dup2(descriptor, self.descriptor, inheritable=False)
        finally:
            os.close(descriptor)

    def append(self, read: Callable[[int], bytes], most: int) -> int:
        """Add at most so many bytes. Returns how many there were; the next of them is not stored.

        Raises:
            StorageFull: the disk is full. The file is as long as before.
        """
        before = self.offset
        taken = 0
        try:
            while data := read(min(READ_BYTES, most - taken + 1)):
                taken += len(data)
                if taken > most:
                    break
                os.pwrite(self.descriptor, data, before + taken - len(data))
            os.fdatasync(self.descriptor)
        except OSError as error:
            os.ftruncate(self.descriptor, before)
            if error.errno in NO_SPACE:
                raise StorageFull from None
            raise
        if taken > most:
            os.ftruncate(self.descriptor, before)
        return taken


def path_of(key: str) -> Path:
    return Path(settings.ATTACHMENTS_DIR) / key[:2] / f"{key}.part"


def free_bytes() -> int:
    """Free on the disk on which uploads grow."""
    folder = Path(settings.ATTACHMENTS_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


def offset_of(key: str) -> int:
    """How far an upload has come, without waiting for one that is being written."""
    try:
        return path_of(key).stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def opened(key: str, *, wait: float = WAIT_SECONDS) -> Iterator[PartFile]:
    """The file of an upload, for this request alone.

    Raises:
        Busy: another request has held it all the time.
        StorageFull
    """
    path = path_of(key)
    descriptor = locked(path, time.monotonic() + wait)
    try:
        yield PartFile(path, descriptor)
    finally:
        os.close(descriptor)


def locked(path: Path, deadline: float) -> int:
    """A descriptor of this file, with the lock. The request that held it may have removed the file: then the
    lock is of one without a name, and another request may hold that of the new one."""
    while True:
        descriptor = created(path)
        try:
            lock(descriptor, deadline)
            if is_named(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def created(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise StorageFull from None
        raise


def is_named(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def lock(descriptor: int, deadline: float) -> None:
    """Raises Busy."""
    if is_locked(descriptor):
        return
    if not WAITING.acquire(blocking=False):
        raise Busy(retry_after_ms=1_000)
    try:
        # Polled: a wait of the system could not be ended.
        while time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            if is_locked(descriptor):
                return
    finally:
        WAITING.release()
    raise Busy(retry_after_ms=1_000)


def is_locked(descriptor: int) -> bool:
    """By this request, if no other one has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EAGAIN, errno.EACCES}:
            raise
        return False
    return True


def stored(before: datetime) -> Iterator[str]:
    """The names of all files in the folder that were not written since, relative to it."""
    root = Path(settings.ATTACHMENTS_DIR)
    for folder in sorted(root.glob("??")):
        for entry in list(os.scandir(folder)):
            with suppress(FileNotFoundError):
                if entry.is_file() and entry.stat().st_mtime < before.timestamp():
                    yield f"{folder.name}/{entry.name}"


def remove_file(name: str) -> None:
    """By a name of `stored`."""
    (Path(settings.ATTACHMENTS_DIR) / name).unlink(missing_ok=True)


def remove(key: str) -> None:
    path_of(key).unlink(missing_ok=True)
