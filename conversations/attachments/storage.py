"""Storage of attachments (`STORAGES["attachments"]`): one file for each key and variant, named by the server.

The names are random and say nothing of what people called their files. Nothing here judges rights.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

from django.core.files.storage import FileSystemStorage, storages

from conversations.attachments.parts import NO_SPACE
from conversations.exceptions import StorageFull

KEY_CHARS = "abcdefghijklmnopqrstuvwxyz234567"
KEY_LENGTH = 26
VARIANTS = ("display", "thumb")
CHUNK = 256 * 1024


class AttachmentStorage(Protocol):
    """What a storage must offer, besides `delete` and `size` of Django."""

    def put(self, name: str, path: Path) -> None:
        """Store a local file, which may be moved or stay. What was stored under this name is replaced.

        Raises: StorageFull, Busy.
        """

    def read(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """These bytes, in chunks. Raises FileNotFoundError before the first."""

    def delete(self, name: str) -> None: ...

    def stored(self, before: datetime) -> Iterator[str]:
        """The names of all files that were not written since."""


def attachment_storage() -> AttachmentStorage:
    return cast(AttachmentStorage, storages["attachments"])


def new_key() -> str:
    return "".join(secrets.choice(KEY_CHARS) for _ in range(KEY_LENGTH))


def name_of(key: str, variant: str = "") -> str:
    """Where a file is, relative to the root of the storage."""
    return f"{key[:2]}/{key}.{variant}" if variant else f"{key[:2]}/{key}"


def remove_bytes(key: str) -> None:
    """Of a file and its variants. Repeats: harmless."""
    storage = attachment_storage()
    for variant in ("", *VARIANTS):
        storage.delete(name_of(key, variant))


def grant(path: Path, mode: int | None) -> None:
    """These permissions, whatever the umask. A folder keeps the sign that its group is inherited."""
    present = path.stat().st_mode
    wanted = mode or (0o700 if path.is_dir() else 0o600)
    if present & 0o777 != wanted:
        path.chmod(wanted | (present & stat.S_ISGID))


def flush_folder(folder: Path) -> None:
    """To the disk: a power failure must not take the new name of a file away (docs/protocol.md P1)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems know no such call.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


class LocalStorage(FileSystemStorage):
    """Files in a folder of this machine, which no web server serves by itself."""

    def put(self, name: str, path: Path) -> None:
        """A link, so that a hundred megabytes are not copied; the caller removes `path`.

        Raises: StorageFull.
        """
        try:
            self.put_link(name, path)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise StorageFull from None
            raise

    def put_link(self, name: str, path: Path) -> None:
        target = Path(self.path(name))
        is_new = not target.parent.exists()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        grant(target.parent, self.directory_permissions_mode)
        if is_new:
            flush_folder(target.parent.parent)
        draft = target.with_name(f"{target.name}.new")
        draft.unlink(missing_ok=True)
        try:
            os.link(path, draft)
        except OSError:
            # Another file system.
            shutil.copyfile(path, draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        grant(draft, self.file_permissions_mode)
        draft.replace(target)
        flush_folder(target.parent)
        # Renaming one name of a file over another name of the same file does nothing.
        draft.unlink(missing_ok=True)

    def read(self, name: str, start: int, length: int) -> Iterator[bytes]:
        with Path(self.path(name)).open("rb", buffering=0) as file:
            file.seek(start)
            while length > 0 and (data := file.read(min(CHUNK, length))):
                length -= len(data)
                yield data

    def delete(self, name: str) -> None:
        Path(self.path(name)).unlink(missing_ok=True)

    def stored(self, before: datetime) -> Iterator[str]:
        # The parts of uploads are in the same folder, which lists them all.
        return iter(())
