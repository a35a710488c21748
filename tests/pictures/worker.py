"""The worker's code in the process of the test: for many pictures, where its sandbox is not the question."""

from __future__ import annotations

import io
import json
import mmap
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, cast

from PIL import Image

from accounts.pictures import sandbox
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
    answer = answered(data, dict(outputs))
    return {**answer, **{name: out.getvalue() for name, out in outputs.items()}}


def squared(data: bytes, crop: list[float] | None = None) -> bytes:
    """A profile picture. Raises Rejected."""
    output = io.BytesIO()
    answered(data, {"square": output}, crop=crop)
    return output.getvalue()


def answered(data: bytes, outputs: dict[str, IO[bytes]], **job: Any) -> dict[str, Any]:
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.flush()
        source.seek(0)
        job = {"format": picture_format(data), **job}
        with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as mapped, quiet():
            answer = run.answered(job, source, mapped, outputs)
    if "rejected" in answer:
        raise Rejected(answer["rejected"])
    json.dumps(answer)
    return answer


@contextmanager
def quiet() -> Iterator[None]:
    """As in the worker: what Pillow warns of is no error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def run_here(source: int, outputs: Mapping[str, int], *, user: object = None, **job: Any) -> dict[str, Any]:
    """In place of `sandbox.run_worker`: the same work without a process for it."""
    told = {name: cast(IO[bytes], run.Output(descriptor)) for name, descriptor in outputs.items()}
    with open(source, "rb", closefd=False) as file, quiet():
        answer = run.answered(job, file, mmap.mmap(source, 0, access=mmap.ACCESS_READ), told)
    sandbox.raise_refusal(answer)
    return answer


def shown(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def frames_of(data: bytes) -> list[Image.Image]:
    picture = shown(data)
    found = []
    for index in range(getattr(picture, "n_frames", 1)):
        picture.seek(index)
        found.append(picture.convert("RGBA"))
    return found
