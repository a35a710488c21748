"""Parts: the file of an upload grows by whole parts, for one request at a time."""

import errno
import io
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conversations.attachments import parts
from conversations.exceptions import Busy, StorageFull
from tests.jobs.workers import until

KEY = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    return tmp_path / "attachments"


def append(data: bytes, most: int = 1_000_000) -> int:
    with parts.opened(KEY) as part:
        return part.append(io.BytesIO(data).read, most)


def test_the_length_of_the_file_is_how_far_the_upload_has_come(folder: Path) -> None:
    assert parts.offset_of(KEY) == 0
    assert append(b"hello") == 5
    assert append(b"x" * 200_000) == 200_000
    assert parts.offset_of(KEY) == 200_005
    path = folder / "ab" / f"{KEY}.part"
    assert path.read_bytes()[:6] == b"hellox"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    parts.remove(KEY)
    parts.remove(KEY)
    assert parts.offset_of(KEY) == 0


@pytest.mark.parametrize("size", [11, 300_000])
def test_a_part_with_too_many_bytes_leaves_nothing(size: int) -> None:
    append(b"hello")
    assert append(b"x" * size, most=10) > 10
    assert parts.offset_of(KEY) == 5


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_on_a_full_disk_the_file_stays_as_long_as_it_was(
    monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    append(b"hello")

    def fail(*given: Any) -> None:
        raise OSError(number, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(StorageFull):
            append(b"x" * 100)
    assert parts.offset_of(KEY) == 5
    assert append(b" again") == 6


def test_a_full_disk_before_the_first_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(StorageFull), parts.opened(KEY):
        pass


def test_a_connection_that_breaks_within_a_part_leaves_nothing_of_it() -> None:
    append(b"hello")

    def read(size: int) -> bytes:
        raise OSError("the connection was lost")

    with pytest.raises(OSError, match="lost"), parts.opened(KEY) as part:
        part.append(read, 100)
    assert parts.offset_of(KEY) == 5


def test_two_requests_for_one_upload_never_write_at_once() -> None:
    """Otherwise a part that arrives late could change a file after it was checked."""
    with parts.opened(KEY) as held:
        with pytest.raises(Busy), parts.opened(KEY, wait=0):
            pass
        order: list[str] = []

        def wait_for_it() -> None:
            with parts.opened(KEY):
                order.append("second")

        second = threading.Thread(target=wait_for_it, daemon=True)
        second.start()
        held.append(io.BytesIO(b"first").read, 10)
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def test_who_waited_for_a_file_that_was_removed_locks_the_new_one() -> None:
    """Two requests would otherwise each hold the lock of a file that has, or had, this name."""
    waits = threading.Event()
    inside = threading.Event()
    go_on = threading.Event()

    def wait_for_it() -> None:
        waits.set()
        with parts.opened(KEY):
            inside.set()
            go_on.wait()

    with parts.opened(KEY) as held:
        waiting = threading.Thread(target=wait_for_it, daemon=True)
        waiting.start()
        waits.wait()
        until(lambda: len(descriptors_of(held.path)) == 2, "the second request has opened the file")
        parts.remove(KEY)
    inside.wait()
    with pytest.raises(Busy), parts.opened(KEY, wait=0):
        pass
    go_on.set()
    waiting.join()
    with parts.opened(KEY, wait=0):
        pass


def test_few_requests_wait_for_one_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred of them would otherwise hold the threads of all pages for seconds."""
    monkeypatch.setattr(parts, "WAITING", threading.BoundedSemaphore(1))
    entered = threading.Event()

    def wait_for_it() -> None:
        with parts.opened(KEY):
            entered.set()

    with parts.opened(KEY) as held:
        waiting = threading.Thread(target=wait_for_it, daemon=True)
        waiting.start()
        until(lambda: len(descriptors_of(held.path)) == 2, "the second request waits")
        until(lambda: parts.WAITING._value == 0, "the second request waits")
        with pytest.raises(Busy), parts.opened(KEY, wait=60):
            pass
        assert not entered.is_set()
    waiting.join()
    assert entered.is_set()


def test_a_restart_leaves_what_the_storage_has_and_keeps_the_lock(folder: Path) -> None:
    append(b"hello")
    stored = folder / "stored"
    os.link(parts.path_of(KEY), stored)
    with parts.opened(KEY) as part:
        part.restart()
        assert part.offset == 0
        part.append(io.BytesIO(b"other").read, 10)
        with pytest.raises(Busy), parts.opened(KEY, wait=0):
            pass
    assert (stored.read_bytes(), parts.path_of(KEY).read_bytes()) == (b"hello", b"other")
    with parts.opened(KEY, wait=0) as part:
        assert part.offset == 5


def descriptors_of(path: Path) -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if os.readlink(entry) == str(path):
                found.append(entry.name)
    return found


def test_files_that_were_not_written_lately_are_listed(folder: Path) -> None:
    append(b"hello")
    now = datetime.now(UTC)
    assert list(parts.stored(now - timedelta(hours=1))) == []
    assert list(parts.stored(now + timedelta(hours=1))) == [f"ab/{KEY}.part"]
    parts.remove_file(f"ab/{KEY}.part")
    assert list(parts.stored(now + timedelta(hours=1))) == []
