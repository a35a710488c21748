"""Avatar storage: pictures are resized by a subprocess and stored as files with unguessable names.

Anyone who knows a file name may read the file: invites show the picture to visitors without an account.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from accounts.models import PUBLIC_ID_CHARS

logger = logging.getLogger(__name__)

MAX_BYTES = 8 * 1024 * 1024
SLOT_TIMEOUT_SECONDS = 6.0
"""Maximum wait for a free slot."""
WORKER_TIMEOUT_SECONDS = 30.0
"""Wall-clock limit for one picture. The worker limits its own CPU time to five seconds; the rest is waiting
for a CPU."""
NAME_LETTERS = 26
INVALID, TOO_LARGE = 3, 4
"""Exit codes of avatars/worker.py. Not imported from there, so that no decoder is loaded in this process."""
WORKER = Path(__file__).with_name("worker.py")
SLOTS = threading.BoundedSemaphore(2)
"""Bounds parallel workers: each may use up to half a gigabyte."""


class InvalidPicture(Exception):
    """Not readable as JPEG, PNG or WebP, or beyond the time and memory limits of the worker."""


class PictureTooLarge(InvalidPicture):
    """More bytes or pixels than allowed."""


class PictureBusy(Exception):
    """All slots are in use, or the worker timed out; try again later."""


def picture_make(data: bytes, crop: Sequence[float] | None = None) -> bytes:
    """A square WebP of worker.SIDE pixels, without any metadata.

    Args:
        crop: left and top (fractions of width and height) and side (fraction of the shorter edge); None means
            the centre.

    Raises:
        InvalidPicture, PictureTooLarge, PictureBusy.
    """
    if len(data) > MAX_BYTES:
        raise PictureTooLarge
    if not SLOTS.acquire(timeout=SLOT_TIMEOUT_SECONDS):
        raise PictureBusy
    try:
        # -I and the empty environment: a compromised decoder reaches neither our modules nor the keys.
        command = [sys.executable, "-I", str(WORKER), json.dumps(list(crop) if crop else None)]
        made = subprocess.run(  # noqa: S603 (our own program, no shell)
            command, input=data, capture_output=True, timeout=WORKER_TIMEOUT_SECONDS, env={}, check=False
        )
    except subprocess.TimeoutExpired:
        # The picture may be valid: on a busy machine the worker only ran out of time.
        raise PictureBusy from None
    finally:
        SLOTS.release()
    if made.returncode == TOO_LARGE:
        raise PictureTooLarge
    if made.returncode or not made.stdout:
        if made.returncode != INVALID:
            logger.warning("an uploaded picture could not be resized (exit code %s)", made.returncode)
        raise InvalidPicture
    return made.stdout


# Files


def picture_folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "pictures"


def picture_path(name: str) -> Path:
    return picture_folder() / f"{name}.webp"


def picture_store(webp: bytes) -> str:
    """Write the file under a new random name and return the name. A new picture has a new URL, so browsers
    may cache it forever.

    Raises:
        OSError: the disk is full, or the directory is not writable.
    """
    name = "".join(secrets.choice(PUBLIC_ID_CHARS) for _ in range(NAME_LETTERS))
    picture_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    path = picture_path(name)
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(webp)
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return name


def picture_delete(name: str) -> None:
    """Delete the file. A file that cannot be deleted stays on disk, but no page links to it."""
    if name:
        with suppress(OSError):
            picture_path(name).unlink(missing_ok=True)


def picture_url(name: str) -> str:
    """Empty for a user without a picture."""
    return f"/media/pictures/{name}.webp" if name else ""
