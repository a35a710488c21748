"""Storage on this machine: names by the server, whole files, private modes."""

import os
import stat
from pathlib import Path

import pytest

from conversations.attachments.storage import KEY_CHARS, LocalStorage, name_of, new_key


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(location=tmp_path / "attachments", file_permissions_mode=0o600)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(bytes(range(256)) * 3_000)
    return path


def test_a_file_is_stored_whole_and_read_in_pieces(storage: LocalStorage, source: Path) -> None:
    name = name_of(new_key())
    storage.put(name, source)
    stored = Path(storage.path(name))
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    whole = source.read_bytes()
    source.unlink()
    chunks = list(storage.read(name, 0, len(whole)))
    assert len(chunks) == 3
    assert b"".join(chunks) == whole
    assert b"".join(storage.read(name, 1_000, 10)) == whole[1_000:1_010]
    assert b"".join(storage.read(name, len(whole) - 5, 100)) == whole[-5:]
    storage.delete(name)
    storage.delete(name)
    with pytest.raises(FileNotFoundError):
        next(storage.read(name, 0, 1))


def test_storing_again_replaces(storage: LocalStorage, source: Path) -> None:
    """After a crash everything is done again."""
    name = name_of(new_key())
    storage.put(name, source)
    storage.put(name, source)
    assert len(list(Path(storage.path(name)).parent.iterdir())) == 1
    source.unlink()
    source.write_bytes(b"second")
    storage.put(name, source)
    assert b"".join(storage.read(name, 0, 100)) == b"second"
    assert [path.name for path in Path(storage.path(name)).parent.iterdir()] == [name.rpartition("/")[2]]


def test_the_name_of_a_file_is_on_the_disk_when_it_is_stored(
    storage: LocalStorage, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/protocol.md P1: an acknowledged message must not lose its file to a power failure."""
    original, flushed = os.fsync, []
    target = Path(storage.path(name_of("abcd")))

    def fsync(descriptor: int) -> None:
        flushed.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), target.exists()))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    storage.put("ab/abcd", source)
    assert flushed == [(True, False), (False, False), (True, True)], "the new folder, the bytes, the name"


def test_a_file_of_another_disk_is_copied(
    storage: LocalStorage, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object) -> None:
        raise OSError("another device")

    monkeypatch.setattr("os.link", refuse)
    name = name_of(new_key())
    storage.put(name, source)
    assert b"".join(storage.read(name, 0, 10**6)) == source.read_bytes()


def test_keys_are_random_and_say_nothing() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 26 and set(key) <= set(KEY_CHARS) for key in keys)
    assert name_of("abcd", "thumb") == "ab/abcd.thumb"
