"""Avatar storage: pictures are resized by a subprocess and stored as files with unguessable names.

Anyone who knows a file name may read the file: invites show the picture to visitors without an account.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Hashable, Sequence
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from accounts.models import PUBLIC_ID_CHARS
from accounts.pictures import sandbox
from accounts.pictures.formats import HEAD_BYTES, picture_format

MAX_BYTES = 8 * 1024 * 1024
MOST_MADE_BYTES = 256 * 1024
"""As much as the points of a square take uncompressed, with something to spare."""
NAME_LETTERS = 26
FORMATS = frozenset({"JPEG", "PNG", "WEBP"})
TOO_LARGE = frozenset({"too_many_pixels"})


class InvalidPicture(Exception):
    """Not readable as JPEG, PNG or WebP, or beyond the time and memory limits of the worker."""


class PictureTooLarge(InvalidPicture):
    """More bytes or pixels than allowed."""


class PictureBusy(Exception):
    """All slots are in use, or the worker timed out; try again later."""


def picture_make(data: bytes, crop: Sequence[float] | None = None, user: Hashable = None) -> bytes:
    """A square WebP of worker/square.py's SIDE pixels, without any metadata.

    Args:
        crop: left and top (fractions of width and height) and side (fraction of the shorter edge); None means
            the centre.
        user: whose picture it is: of one user one is processed at a time.

    Raises:
        InvalidPicture, PictureTooLarge, PictureBusy.
    """
    if len(data) > MAX_BYTES:
        raise PictureTooLarge
    found = picture_format(data[:HEAD_BYTES])
    if found not in FORMATS:
        raise InvalidPicture
    # Files without a name: they are gone with this function.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as square:
        source.write(data)
        source.flush()
        source.seek(0)
        try:
            sandbox.run_worker(
                source.fileno(),
                {"square": square.fileno()},
                user=user,
                format=found,
                crop=None if crop is None else list(crop),
            )
        except sandbox.WorkerBusy:
            raise PictureBusy from None
        except sandbox.PictureRejected as rejected:
            raise (PictureTooLarge if rejected.reason in TOO_LARGE else InvalidPicture) from None
        square.seek(0)
        made = square.read(MOST_MADE_BYTES + 1)
    # A picture that takes the worker over writes what it likes (docs/threats.md T40).
    if len(made) > MOST_MADE_BYTES or picture_format(made[:HEAD_BYTES]) != "WEBP":
        raise InvalidPicture
    return made


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
