"""Hostile pictures: uploads of a logged-in user that cost the most to look at, for `benchmarks.hostile`."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

from PIL import Image

UPLOADS_AT_ONCE = 6
SCANS = 400


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, packed: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@cache
def photo() -> bytes:
    """What a bystander sends meanwhile: two megapixels."""
    return encoded(Image.effect_noise((1_600, 1_200), 60).convert("RGB"), "JPEG", quality=80)


@cache
def bomb() -> bytes:
    """Four hundred megapixels of nothing."""
    return png(20_000, 20_000, zlib.compress(bytes(64 << 20), 9))


@cache
def largest() -> bytes:
    """The most that is allowed: forty megapixels, in few bytes."""
    return encoded(Image.new("RGB", (8_000, 5_000), (120, 90, 60)), "PNG")


@cache
def scans() -> bytes:
    """A small progressive JPEG that says the same again and again: each time all of it is gone through."""
    jpeg = encoded(Image.new("L", (6_000, 6_000), 128), "JPEG", progressive=True, quality=50)
    last, end = jpeg.rindex(b"\xff\xda"), jpeg.rindex(b"\xff\xd9")
    return jpeg[:end] + jpeg[last:end] * SCANS + jpeg[end:]


@cache
def segments() -> bytes:
    """Eight megabytes of empty comments, each of which is read."""
    jpeg = encoded(Image.new("L", (60, 60), 128), "JPEG")
    return jpeg[:2] + b"\xff\xfe\0\2" * 1_900_000 + jpeg[2:]


@cache
def frames() -> bytes:
    """A hundred thousand frames."""
    one = encoded(Image.new("P", (1, 1)), "GIF")
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    return head + one[one.index(b",") : -1] * 100_000 + b";"


@cache
def animation() -> bytes:
    """As many frames and points as are allowed."""
    soft = [
        Image.radial_gradient("L").resize((620 + index, 620)).crop((index, 0, 620 + index, 620))
        for index in range(4)
    ]
    first, *others = [picture.quantize(16) for picture in soft]
    return encoded(first, "GIF", save_all=True, append_images=[*others, first] * 49 + others, duration=40)


@cache
def texts() -> bytes:
    """A gigabyte of text in a few hundred kilobytes."""
    packed = b"Comment\0\0" + zlib.compress(bytes(64 << 20), 9)
    small = png(1, 1, zlib.compress(bytes(4)))
    return small[:33] + chunk(b"zTXt", packed) * 16 + small[33:]


@cache
def cut() -> bytes:
    noise = encoded(Image.effect_noise((4_000, 3_000), 60).convert("RGB"), "JPEG", quality=85)
    return noise[: len(noise) * 9 // 10]


@cache
def polyglot() -> bytes:
    noise = encoded(Image.effect_noise((1_500, 1_000), 60).convert("RGB"), "JPEG", quality=85)
    return noise + b"<html><script>alert(1)</script>"


KINDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "bomb": ("400 megapixels in 60 KB", bomb),
    "largest": ("40 megapixels in 120 KB, which is allowed", largest),
    "segments": ("a JPEG of two million empty comments", segments),
    "scans": ("a JPEG of 36 megapixels that repeats itself 400 times", scans),
    "frames": ("a GIF of 100,000 frames", frames),
    "animation": ("a GIF of 200 frames and 77 megapixels, which is allowed", animation),
    "texts": ("a PNG with a gigabyte of packed text", texts),
    "cut": ("a cut photo of 12 megapixels", cut),
    "polyglot": ("a photo that is a page as well", polyglot),
}
