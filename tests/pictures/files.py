"""Pictures for tests, made by Pillow, and their containers taken apart and put together by hand."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image, ImageCms

RED, BLUE = (220, 20, 20), (20, 20, 220)
ORIENTATION, GPS = 0x0112, 0x8825


def halves(width: int = 60, height: int = 30, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def moving(kind: str, frames: int = 3, size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """An animation in which each frame has another colour."""
    made = [Image.new("RGB", size, (index * 50 % 256, 255 - index, 40)) for index in range(frames)]
    return encoded(made[0], kind, save_all=True, append_images=made[1:], duration=80, loop=0, **options)


def turned_sideways() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return exif


def is_near(found: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 40 for one, other in zip(found[:3], colour, strict=True))


def swapped_profile() -> bytes:
    """A profile in which red and green have changed places: 'damaged' colours unless it is applied."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    places = {bytes(data[132 + 12 * at : 136 + 12 * at]): 132 + 12 * at for at in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    data[red + 4 : red + 12], data[green + 4 : green + 12] = (
        data[green + 4 : green + 12],
        data[red + 4 : red + 12],
    )
    return (
        bytes(data).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")
    )


# JPEG


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """After the first two bytes."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def jpeg_segments(jpeg: bytes) -> list[tuple[int, bytes]]:
    """Markers and data up to the compressed points; then (0, what follows the end)."""
    found, at = [], 2
    while True:
        assert jpeg[at] == 0xFF
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        found.append((marker, jpeg[at + 4 : at + 2 + length]))
        at += 2 + length
        if marker == 0xDA:
            break
    return [*found, (0, jpeg[jpeg.index(b"\xff\xd9", at) + 2 :])]


# PNG


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and data; what follows the end as `after`."""
    at = 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        kind = png[at + 4 : at + 8]
        yield kind, png[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IEND":
            break
    if png[at:]:
        yield b"after", png[at:]


def with_chunks(png: bytes, *chunks: bytes, late: bytes = b"") -> bytes:
    """After the header; `late` before the end."""
    return png[:33] + b"".join(chunks) + png[33:-12] + late + png[-12:]


def png_that_claims(width: int, height: int, rows: bytes = b"", *more: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), *more, chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def zeros(count: int) -> bytes:
    """So many zero bytes, deflated."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(count >> 20)) + packer.flush()


# WebP


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_chunks(webp: bytes) -> Iterator[tuple[bytes, bytes]]:
    size = int.from_bytes(webp[4:8], "little")
    at = 12
    while at < size + 8:
        length = int.from_bytes(webp[at + 4 : at + 8], "little")
        yield webp[at : at + 4], webp[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    if webp[size + 8 :]:
        yield b"after", webp[size + 8 :]


# GIF


def blocks(data: bytes) -> bytes:
    """As sub-blocks, with the empty one at the end."""
    return (
        b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255))
        + b"\0"
    )


def with_extensions(gif: bytes, *extensions: bytes) -> bytes:
    """Before the first frame."""
    start = 13 + (3 << ((gif[10] & 7) + 1) if gif[10] & 0x80 else 0)
    return gif[:start] + b"".join(extensions) + gif[start:]


def gif_of(frames: int, size: tuple[int, int] = (1, 1), tail: bytes = b"") -> bytes:
    """So many frames, each with the same few bytes."""
    width, height = size
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    one = encoded(Image.new("P", size), "GIF")
    image = one[one.index(b",") : -1]
    return head + image * frames + b";" + tail


Maker = Callable[[], bytes]
