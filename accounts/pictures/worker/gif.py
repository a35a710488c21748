"""GIF files: their blocks, and the same animation encoded again, point for point, without anything else.

Pillow would give each frame new colours, which takes long and looks worse. Here every frame is decoded and
encoded by itself, with the colours it has. Comments, texts, blocks of applications (except how often it
repeats), and whatever follows the end are left out."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import IO

from PIL import GifImagePlugin, Image, ImageFile

from accounts.pictures.worker.rejection import Rejected

EXTENSION, IMAGE, END = 0x21, 0x2C, 0x3B
CONTROL, APPLICATION = 0xF9, 0xFF
HAS_TABLE, IS_INTERLACED = 0x80, 0x40
LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
COLOURS = 256
NO_GREY = bytes(value for index in range(COLOURS) for value in (index, 255 - index, 0))
"""Colours for decoding: with shades of grey Pillow would give grey values instead of the colours' numbers."""
CODE_SIZES = range(1, 9)


@dataclass(slots=True)
class Control:
    """How the next frame is shown."""

    disposal: int = 0
    delay: int = 0
    transparent: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it is in the file: its place, its own colours if it has some, its compressed points."""

    box: tuple[int, int, int, int]
    colours: bytes
    is_interlaced: bool
    data: bytes
    control: Control


class GifReader:
    """The frames of a file, one after the other. Errors are `Rejected` as damaged."""

    def __init__(self, data: bytes | mmap) -> None:
        self.data, self.at = data, 6
        self.width, self.height, flags, self.background, _ = struct.unpack("<HHBBB", self.take(7))
        self.colours = self.take_colours(flags)
        self.loop: int | None = None

    def take(self, count: int) -> bytes:
        found = self.data[self.at : self.at + count]
        if len(found) < count:
            raise Rejected("damaged")
        self.at += count
        return found

    def take_colours(self, flags: int) -> bytes:
        return self.take(3 << ((flags & 7) + 1)) if flags & HAS_TABLE else b""

    def take_blocks(self) -> bytes:
        """A chain of blocks with their lengths, up to the empty one."""
        data, at = self.data, self.at
        try:
            while length := data[at]:
                at += 1 + length
        except IndexError:
            raise Rejected("damaged") from None
        return self.take(at + 1 - self.at)

    def frames(self) -> Iterator[Frame]:
        control = Control()
        while (kind := self.take(1)[0]) != END:
            if kind == EXTENSION:
                control = self.extension(control)
            elif kind == IMAGE:
                yield self.frame(control)
                control = Control()
            else:
                raise Rejected("damaged")

    def extension(self, control: Control) -> Control:
        label, blocks = self.take(1)[0], self.take_blocks()
        if label == CONTROL and len(blocks) == 6:
            flags, delay, transparent = struct.unpack("<BHB", blocks[1:5])
            return Control((flags >> 2) & 7, delay, transparent if flags & 1 else None)
        if label == APPLICATION and blocks[1:12] in LOOPS and blocks[12:14] == b"\x03\x01":
            self.loop = int.from_bytes(blocks[14:16], "little")
        return control

    def frame(self, control: Control) -> Frame:
        left, top, width, height, flags = struct.unpack("<HHHHB", self.take(9))
        if not width or not height or left + width > self.width or top + height > self.height:
            raise Rejected("damaged")
        colours = self.take_colours(flags)
        if not (colours or self.colours) or self.data[self.at] not in CODE_SIZES:
            raise Rejected("damaged")
        data = self.take(1) + self.take_blocks()
        return Frame((left, top, width, height), colours, bool(flags & IS_INTERLACED), data, control)


def frame_count(data: bytes | mmap, most: int) -> int:
    """The number of frames; `most` + 1 for all larger ones. Nothing is decoded.

    Raises:
        Rejected: damaged.
    """
    count = 0
    for _ in GifReader(data).frames():
        count += 1
        if count > most:
            break
    return count


def rebuild(data: bytes | mmap, file: IO[bytes]) -> None:
    """Write the same animation.

    Raises:
        Rejected: damaged.
        Exception: what the decoder may raise.
    """
    reader = GifReader(data)
    frames = list(reader.frames())
    flags = 0x77 | (HAS_TABLE if reader.colours else 0)
    file.write(b"GIF89a" + struct.pack("<HHBBB", reader.width, reader.height, flags, reader.background, 0))
    file.write(padded(reader.colours))
    if reader.loop is not None:
        file.write(b"!\xff\x0b" + LOOPS[0] + b"\x03\x01" + struct.pack("<HB", reader.loop, 0))
    for frame in frames:
        write_frame(frame, file)
    file.write(bytes([END]))


def padded(colours: bytes) -> bytes:
    return colours.ljust(3 * COLOURS, b"\0") if colours else b""


def write_frame(frame: Frame, file: IO[bytes]) -> None:
    control = frame.control
    flags = control.disposal << 2 | (control.transparent is not None)
    file.write(b"!\xf9\x04" + struct.pack("<BHBB", flags, control.delay, control.transparent or 0, 0))
    file.write(b"," + struct.pack("<HHHHB", *frame.box, (HAS_TABLE | 7) if frame.colours else 0))
    file.write(padded(frame.colours) + b"\x08")
    points = decoded(frame)
    ImageFile._save(points, file, [ImageFile._Tile("gif", (0, 0, *points.size), 0, points.mode)])
    file.write(b"\0")


def decoded(frame: Frame) -> Image.Image:
    """The numbers of its colours, through a file with this frame alone."""
    _, _, width, height = frame.box
    start = b"GIF87a" + struct.pack("<HHBBB", width, height, HAS_TABLE | 7, 0, 0) + NO_GREY
    image = b"," + struct.pack("<HHHHB", 0, 0, width, height, IS_INTERLACED if frame.is_interlaced else 0)
    picture = GifImagePlugin.GifImageFile(io.BytesIO(start + image + frame.data + bytes([END])))
    picture.load()
    return picture
