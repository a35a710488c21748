"""Processing of an uploaded file: what it is by its first bytes, and the variants that are shown of it.

Pictures are encoded again by the sandboxed worker process (accounts/pictures/sandbox.py), as profile pictures
are."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Hashable
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

from accounts.pictures import sandbox
from accounts.pictures.formats import picture_format
from conversations.attachments.kinds import (
    HEAD_BYTES,
    UNKNOWN_TYPE,
    container_of,
    is_picture_of_another_format,
    type_of_download,
)
from conversations.attachments.parts import NO_SPACE
from conversations.exceptions import Busy, StorageFull

logger = logging.getLogger(__name__)

VARIANTS = ("file", "display", "thumb")
BUSY_MS = 2_000
MAX_EDGE = 40_000_000
PLACEHOLDER = re.compile(r"data:image/webp;base64,[A-Za-z0-9+/]{16,}={0,2}")


@dataclass(frozen=True, slots=True)
class Processed:
    """What was found out about a file.

    `variants` are new files, which the caller moves away: `file` replaces the upload as the download,
    `display` and `thumb` are WebP for the page, at most 2,048 and 480 points; an animation moves in
    `display`, not in `thumb`. Only pictures have them."""

    type: str
    kind: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    placeholder: str = ""
    variants: dict[str, Path] = field(default_factory=dict)


class FileRejected(Exception):
    """The file is not what its kind says. Nothing is left behind but the upload itself.

    `reason`: not_a_picture, too_many_pixels, too_many_frames, damaged, too_slow, unsupported or mismatch.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def kind_of(head: bytes) -> str:
    """What a file is sent as by default: a picture in one of our formats is cleaned of what it tells
    about its maker (docs/threats.md T41), everything else stays as it is."""
    return "file" if picture_format(head) is None else "picture"


def process(path_in: Path, kind: str, *, name: str = "", user: Hashable = None) -> Processed:
    """Look at an uploaded file and make its variants, each in a file beside it: `variant_path`.

    Args:
        kind: picture, file, voice or video, as the client said.
        name: for the type of a file that is only downloaded.
        user: whose file it is: of one user one picture is processed at a time.

    Raises:
        FileRejected
        Busy: as many pictures as may be are processed already, or the machine has no time.
        StorageFull
    """
    with path_in.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if kind == "picture":
        return process_picture(path_in, head, user)
    if kind in {"voice", "video"}:
        return Processed(
            type=f"{'audio' if kind == 'voice' else 'video'}/{played_container(head)}", kind=kind
        )
    return Processed(type=type_of_download(name), kind="file")


def played_container(head: bytes) -> str:
    container = container_of(head)
    if container is None:
        raise FileRejected("mismatch")
    if container == "other":
        raise FileRejected("unsupported")
    return container


def process_picture(path_in: Path, head: bytes, user: Hashable) -> Processed:
    found = picture_format(head)
    if found is None:
        raise FileRejected(reason_of_no_picture(head))
    paths = {variant: variant_path(path_in, variant) for variant in VARIANTS}
    try:
        return judged(worked(path_in, paths, found, user), paths, found)
    except BaseException:
        for path in paths.values():
            path.unlink(missing_ok=True)
        raise


def judged(made: dict[str, Any], paths: dict[str, Path], found: str) -> Processed:
    """What the worker says, if it can be true: a picture that takes it over writes the answer and the
    variants as well (T40).

    Raises:
        FileRejected: it cannot.
    """
    width, height, placeholder = (made.get(name) for name in ("width", "height", "placeholder"))
    formats = {"file": found, "display": "WEBP", "thumb": "WEBP"}
    if not (
        is_edge(width)
        and is_edge(height)
        and isinstance(placeholder, str)
        and PLACEHOLDER.fullmatch(placeholder)
        and all(format_of(paths[variant]) == format for variant, format in formats.items())
    ):
        logger.warning("the answer about an uploaded picture cannot be true")
        raise FileRejected("damaged")
    return Processed(
        type=f"image/{found.lower()}",
        kind="picture",
        width=width,
        height=height,
        placeholder=placeholder,
        variants=paths,
    )


def is_edge(value: object) -> bool:
    return type(value) is int and 1 <= value <= MAX_EDGE


def format_of(path: Path) -> str | None:
    with path.open("rb") as file:
        return picture_format(file.read(HEAD_BYTES))


def worked(path_in: Path, paths: dict[str, Path], found: str, user: Hashable) -> dict[str, Any]:
    """Raises: as `process`."""
    try:
        with path_in.open("rb") as source, ExitStack() as stack:
            outputs = {name: stack.enter_context(created(path)).fileno() for name, path in paths.items()}
            return sandbox.run_worker(source.fileno(), outputs, user=user, format=found)
    except sandbox.WorkerBusy:
        raise Busy(retry_after_ms=BUSY_MS) from None
    except sandbox.PictureRejected as rejected:
        raise FileRejected(rejected.reason) from None
    except OSError as error:
        if error.errno in NO_SPACE:
            raise StorageFull from None
        raise


def reason_of_no_picture(head: bytes) -> str:
    if is_picture_of_another_format(head):
        return "unsupported"
    return "not_a_picture" if container_of(head) is None else "mismatch"


def variant_path(path_in: Path, variant: str) -> Path:
    """Where `process` writes. A repeat after a crash writes to the same files again."""
    return path_in.with_name(f"{path_in.name}.{variant}")


def created(path: Path) -> FileIO:
    """An empty file that only we may read; one that a crash left behind is used again."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    return FileIO(os.open(path, flags, 0o600), "wb")


def type_of_picture(path: Path) -> str:
    """The type of a variant that we made ourselves."""
    found = format_of(path)
    return f"image/{found.lower()}" if found else UNKNOWN_TYPE
