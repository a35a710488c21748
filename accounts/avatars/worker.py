"""Avatar worker: a subprocess that reads a picture from standard input and writes a small square WebP to
standard output.

avatars/storage.py runs it for each upload, without the environment of the service and with hard resource
limits, so that a hostile file can only affect this process (docs/threats.md T40). Imports nothing of the
product, and no Django.
"""

import io
import json
import resource
import sys
from contextlib import suppress

from PIL import Image

SIDE = 256
MEMORY_BYTES, CPU_SECONDS = 512 * 1024 * 1024, 5
MAX_PIXELS = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
"""No other decoder is tried: rare formats have rarely tested decoders."""
INVALID, TOO_LARGE = 3, 4
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
REDUCIBLE = frozenset({"L", "RGB", "RGBA"})
"""Modes that `reduce` handles correctly; for others it would average palette indexes, so only those are
converted first: a needless copy of forty million pixels would exceed MEMORY_BYTES."""


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    crop = json.loads(sys.argv[1])
    # The size is checked below from the header, before any pixel is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        picture = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            return TOO_LARGE
        small = squared(picture, crop)
    except MemoryError:
        return TOO_LARGE
    except Exception:  # any decoder error means an invalid picture
        return INVALID
    # Only pixels are written: location and all other metadata are dropped (docs/threats.md T41).
    small.save(sys.stdout.buffer, "WEBP", quality=82, method=4, exif=b"", xmp=b"", icc_profile=None)
    return 0


def squared(picture: Image.Image, crop: list[float] | None) -> Image.Image:
    """The cropped part in the orientation that the user saw.

    `crop` is left (fraction of the width), top (of the height) and side (of the shorter edge), each 0 to 1.
    """
    share = crop[2] if crop else 1.0
    shorter = min(picture.size) * share
    # JPEG can be decoded directly at down to an eighth of its size.
    width, height = (max(1, int(edge * 2 * SIDE / shorter)) for edge in picture.size)
    picture.draft("RGB", (width, height))
    picture.load()
    upright = TURNS.get(orientation(picture))
    factor = int(min(picture.size) * share) // (2 * SIDE)
    if factor > 1:
        if picture.mode not in REDUCIBLE:
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        picture = picture.reduce(factor)
    if upright is not None:
        picture = picture.transpose(upright)
    return cut(flat(picture), crop).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def orientation(picture: Image.Image) -> int:
    """The EXIF orientation: phones store pictures rotated. A broken tag does not invalidate the picture."""
    with suppress(Exception):
        return int(picture.getexif().get(ORIENTATION, 1))
    return 1


def flat(picture: Image.Image) -> Image.Image:
    """Without transparency, which would look different in the light and in the dark theme."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")


def cut(picture: Image.Image, crop: list[float] | None) -> Image.Image:
    width, height = picture.size
    side = max(1.0, min(width, height) * (crop[2] if crop else 1.0))
    left = min(crop[0] * width, width - side) if crop else (width - side) / 2
    top = min(crop[1] * height, height - side) if crop else (height - side) / 2
    return picture.crop((round(left), round(top), round(left + side), round(top + side)))


if __name__ == "__main__":
    sys.exit(main())
