"""The worker's code in the process of the test: for many pictures, where its sandbox is not the question."""

from __future__ import annotations

import io
import json
import mmap
import tempfile
from typing import Any

from PIL import Image

from accounts.pictures.formats import picture_format
from accounts.pictures.worker import run
from accounts.pictures.worker.rejection import Rejected

NAMES = ("file", "display", "thumb")


def work(data: bytes) -> dict[str, Any]:
    """What the worker answers, with the bytes of each variant under its name.

    Raises:
        Rejected: as the worker would answer; what a decoder raises counts as damaged.
    """
    outputs = {name: io.BytesIO() for name in NAMES}
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.flush()
        source.seek(0)
        with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            answer = run.answered({"format": picture_format(data)}, source, mapped, dict(outputs))
    if "rejected" in answer:
        raise Rejected(answer["rejected"])
    json.dumps(answer)
    return {**answer, **{name: out.getvalue() for name, out in outputs.items()}}


def shown(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def frames_of(data: bytes) -> list[Image.Image]:
    picture = shown(data)
    found = []
    for index in range(getattr(picture, "n_frames", 1)):
        picture.seek(index)
        found.append(picture.convert("RGBA"))
    return found
