"""`python -m benchmarks.pictures`: what processing one uploaded picture costs.

Each picture goes through the worker process as the server starts it, several times; printed are medians of
the time until the answer, of processor time, and the most resident memory. Linux only.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

from accounts.pictures import sandbox

SIZES = {"12 MP": (4_000, 3_000), "40 MP": (8_000, 5_000)}
NAMES = ("file", "display", "thumb")


def photo(size: tuple[int, int]) -> Image.Image:
    """Noise of several sizes: as much to encode as in a photo."""
    width, height = size
    rough = Image.effect_noise((width // 16, height // 16), 80).resize(size, Image.Resampling.BICUBIC)
    fine = Image.effect_noise((width // 4, height // 4), 30).resize(size, Image.Resampling.BICUBIC)
    return Image.merge("RGB", (Image.blend(rough, fine, 0.3), rough, fine))


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def of_a_phone(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Lying on its side, with a profile that is not sRGB by name."""
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = profile.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    return encoded(picture, kind, exif=exif, icc_profile=other, **options)


def moving(frames: int, size: tuple[int, int]) -> bytes:
    wide = photo((size[0] + 2 * frames, size[1])).quantize(128)
    made = [wide.crop((2 * index, 0, 2 * index + size[0], size[1])) for index in range(frames)]
    return encoded(made[0], "GIF", save_all=True, append_images=made[1:], duration=40, disposal=2)


def samples() -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    yield "JPEG, 60 by 30 points", "JPEG", lambda: encoded(Image.new("RGB", (60, 30)), "JPEG")
    for name, size in SIZES.items():
        yield f"JPEG, {name}", "JPEG", lambda size=size: encoded(photo(size), "JPEG", quality=90)
        yield (
            f"JPEG of a phone, {name}",
            "JPEG",
            lambda size=size: of_a_phone(photo(size), "JPEG", quality=90),
        )
        yield f"PNG, {name}", "PNG", lambda size=size: encoded(photo(size), "PNG", compress_level=1)
    yield "WebP, 12 MP", "WEBP", lambda: encoded(photo(SIZES["12 MP"]), "WEBP", quality=85, method=0)
    yield "GIF, 60 frames of 480 by 270", "GIF", lambda: moving(60, (480, 270))
    yield "GIF, 200 frames of 480 by 270", "GIF", lambda: moving(200, (480, 270))


@dataclass
class Cost:
    wall_ms: float
    cpu_ms: float
    memory_mib: float
    answer: dict[str, Any]


@contextmanager
def opened(path: str) -> Iterator[tuple[int, dict[str, int]]]:
    with ExitStack() as stack:
        source = stack.enter_context(open(path, "rb"))
        files = {name: stack.enter_context(tempfile.TemporaryFile()) for name in NAMES}
        yield source.fileno(), {name: file.fileno() for name, file in files.items()}


def make_apart(name: str, path: str) -> None:
    """In another process: the worker's peak of memory would begin with that of the process that starts it."""
    subprocess.run([sys.executable, "-m", "benchmarks.pictures", "--make", name, "--into", path], check=True)


def once(path: str, picture_format: str) -> Cost:
    with opened(path) as (source, outputs):
        reading, writing = os.pipe()
        job = {"format": picture_format, "parent": os.getpid(), "outputs": outputs}
        began = time.perf_counter()
        process = sandbox.started(json.dumps(job), source, writing, outputs)
        os.close(writing)
        answer = sandbox.read_answer(reading, time.monotonic() + 120)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        os.close(reading)
    cpu = used.ru_utime + used.ru_stime
    found = json.loads(answer) if answer else {"ended by": process.returncode}
    return Cost(wall * 1000, cpu * 1000, used.ru_maxrss / 1024, found)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures", description="What processing one uploaded picture costs."
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--make", help=argparse.SUPPRESS)
    parser.add_argument("--into", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make = next(make for name, _, make in samples() if name == options.make)
        Path(options.into).write_bytes(make())
        return
    sys.stdout.write(
        "| picture | bytes | time | CPU | memory | answer |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, picture_format, _ in samples():
            path = f"{folder}/picture"
            make_apart(name, path)
            costs = [once(path, picture_format) for _ in range(options.runs)]
            sys.stdout.write(f"{line_of(name, os.path.getsize(path), costs)}\n")
            sys.stdout.flush()


def line_of(name: str, size: int, costs: list[Cost]) -> str:
    wall = statistics.median(cost.wall_ms for cost in costs)
    cpu = statistics.median(cost.cpu_ms for cost in costs)
    memory = max(cost.memory_mib for cost in costs)
    told = costs[-1].answer.get("type") or costs[-1].answer
    return f"| {name} | {size:,} | {wall:.0f} ms | {cpu:.0f} ms | {memory:.0f} MiB | {told} |"


if __name__ == "__main__":
    main()
