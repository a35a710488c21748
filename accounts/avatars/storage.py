"""Pictures of people: made small and square by a program of its own, kept as files under names that nobody can guess.

Whoever knows the name of a file may read it: the picture stands on invites, too, which visitors open.
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

MOST_BYTES = 8 * 1024 * 1024
WAIT_SECONDS = 6.0
"""Longest wait for a place."""
LONGEST_SECONDS = 30.0
"""Of one picture, by the clock. Its processor time is bounded by the maker itself (five seconds): what takes longer waits for a processor."""
NAME_LETTERS = 26
NO_PICTURE, TOO_LARGE = 3, 4
"""How picture_maker ends. Not imported from there: the decoders stay out of this process."""
MAKER = Path(__file__).with_name("worker.py")
AT_ONCE = threading.BoundedSemaphore(2)
"""Each takes up to half a gigabyte for a moment."""


class NoPicture(Exception):
    """Nothing that we can read as a JPEG, PNG or WebP picture, or more than fits in the time and memory for one."""


class PictureTooLarge(NoPicture):
    """More bytes or more points than we take."""


class PictureBusy(Exception):
    """Others are uploading; in a moment there is room again."""


def picture_make(data: bytes, crop: Sequence[float] | None = None) -> bytes:
    """A square WebP of picture_maker.SIDE points, with nothing in it but the picture.

    Args:
        crop: left, top (shares of width and height) and side (share of the shorter edge); without it the middle is taken.

    Raises:
        NoPicture, PictureTooLarge, PictureBusy.
    """
    if len(data) > MOST_BYTES:
        raise PictureTooLarge
    if not AT_ONCE.acquire(timeout=WAIT_SECONDS):
        raise PictureBusy
    try:
        # -I: neither our folder nor the environment, which holds the keys, is there for a decoder that was taken over.
        command = [sys.executable, "-I", str(MAKER), json.dumps(list(crop) if crop else None)]
        made = subprocess.run(  # noqa: S603 (our own program, no shell)
            command, input=data, capture_output=True, timeout=LONGEST_SECONDS, env={}, check=False
        )
    except subprocess.TimeoutExpired:
        # Nothing is known of the picture: to say that it cannot be read would be untrue on a busy machine.
        raise PictureBusy from None
    finally:
        AT_ONCE.release()
    if made.returncode == TOO_LARGE:
        raise PictureTooLarge
    if made.returncode or not made.stdout:
        if made.returncode != NO_PICTURE:
            logger.warning("an uploaded picture could not be made small (exit %s)", made.returncode)
        raise NoPicture
    return made.stdout


# Files


def picture_folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "pictures"


def picture_path(name: str) -> Path:
    return picture_folder() / f"{name}.webp"


def picture_store(webp: bytes) -> str:
    """Keep it under a new name, which is returned: whoever changes the picture changes the address, so browsers may keep it for ever.

    Raises:
        OSError: the disk is full, or the folder is not ours.
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


def picture_forget(name: str) -> None:
    """A file that cannot be removed stays behind under a name that no page mentions."""
    if name:
        with suppress(OSError):
            picture_path(name).unlink(missing_ok=True)


def picture_url(name: str) -> str:
    """Empty without a picture."""
    return f"/media/pictures/{name}.webp" if name else ""
