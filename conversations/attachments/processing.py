"""Processing of an uploaded file: what it is by its first bytes, and the variants that are shown of it."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from pathlib import Path

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Processed:
    """What was found out about a file.

    `variants` are new files, which the caller moves away: `file` replaces the upload as the download,
    `display` and `thumb` are pictures for the page.
    """

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


def process(path_in: Path, kind: str, *, name: str = "") -> Processed:
    """Look at an uploaded file and make its variants, each in a file beside it.

    Args:
        kind: picture, file, voice or video, as the client said.
        name: for the type of a file that is only downloaded.

    Raises:
        FileRejected
    """
    return Processed(type=mimetypes.guess_type(name)[0] or UNKNOWN_TYPE, kind="file")


SIGNATURES = {
    b"RIFF": "image/webp",
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


def type_of_picture(path: Path) -> str:
    """The type of a variant that we made ourselves."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((type for sign, type in SIGNATURES.items() if start.startswith(sign)), UNKNOWN_TYPE)
