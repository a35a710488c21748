"""PNG files that are large or animated, written with one filter. Pillow tries five for each line, which
takes twice as long: there is no time for that at 40 megapixels.

Each line is stored as the difference to the one above it, which is good for photos and for screens.
"""

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import IO

from PIL import Image, ImageChops, PngImagePlugin

from accounts.pictures.worker.reading import plain

SMALL_PIXELS = 2_000_000
"""Up to here Pillow may take its time. Noise at 40 megapixels would take 17 seconds at its usual level."""
MODES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
"""And their numbers in the header."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
LINES_AT_ONCE = 64
UP = b"\2"


def write_png(picture: Image.Image, file: IO[bytes]) -> None:
    is_small = picture.width * picture.height <= SMALL_PIXELS
    if is_small or picture.mode not in MODES:
        plain(picture).save(file, "PNG", compress_level=6 if is_small else 1)
        return
    write_head(picture, file)
    for packed in packed_lines(picture):
        PngImagePlugin.putchunk(file, b"IDAT", packed)
    PngImagePlugin.putchunk(file, b"IEND", b"")


def write_head(picture: Image.Image, file: IO[bytes]) -> None:
    file.write(SIGNATURE)
    head = struct.pack(">IIBBBBB", *picture.size, 8, MODES[picture.mode], 0, 0, 0)
    PngImagePlugin.putchunk(file, b"IHDR", head)


def packed_lines(picture: Image.Image) -> Iterator[bytes]:
    """Filtered and compressed, in pieces: there is no memory for all at once."""
    packer = zlib.compressobj(1)
    width, height = picture.size
    line = width * len(picture.getbands())
    for top in range(0, height, LINES_AT_ONCE):
        bottom = min(top + LINES_AT_ONCE, height)
        # Outside of the picture there are zeros, as the format wants it above the first line.
        lines, above = (picture.crop((0, top - up, width, bottom - up)) for up in (0, 1))
        points = ImageChops.subtract_modulo(lines, above).tobytes()
        yield packer.compress(b"".join(UP + points[at : at + line] for at in range(0, len(points), line)))
    yield packer.flush()


class AnimationWriter:
    """An animated PNG, frame after frame; of each only the part that differs from the one before."""

    def __init__(self, file: IO[bytes], count: int, plays: int) -> None:
        self.file, self.count, self.plays = file, count, plays
        self.number = 0
        self.last: Image.Image | None = None

    def add(self, frame: Image.Image, duration_ms: int) -> None:
        """All frames have one size and one of MODES; a duration is at most 65,535."""
        if self.last is None:
            write_head(frame, self.file)
            self.chunk(b"acTL", struct.pack(">II", self.count, self.plays))
            box = (0, 0, *frame.size)
        else:
            changed = ImageChops.difference(frame, self.last).getbbox(alpha_only=False)
            box = changed or (0, 0, 1, 1)
        left, top, right, bottom = box
        delay = Fraction(duration_ms, 1000)
        place = struct.pack(">IIII", right - left, bottom - top, left, top)
        shown = struct.pack(">HHBB", delay.numerator, delay.denominator, 0, 0)
        self.chunk(b"fcTL", self.next_number() + place + shown)
        for packed in packed_lines(frame.crop(box)):
            if self.last is None:
                self.chunk(b"IDAT", packed)
            else:
                self.chunk(b"fdAT", self.next_number() + packed)
        self.last = frame

    def end(self) -> None:
        self.chunk(b"IEND", b"")

    def chunk(self, kind: bytes, data: bytes) -> None:
        PngImagePlugin.putchunk(self.file, kind, data)

    def next_number(self) -> bytes:
        self.number += 1
        return struct.pack(">I", self.number - 1)
