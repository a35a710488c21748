"""Profile pictures: a small square WebP out of the part that the user chose."""

from typing import IO

from PIL import Image, ImageFile

from accounts.pictures.worker.reading import in_srgb, turn_of
from accounts.pictures.worker.writing import write_webp

SIDE = 256
REDUCIBLE = frozenset({"L", "RGB", "RGBA"})
"""Modes that `reduce` handles correctly; for others it would average palette indexes, so only those are
converted first: a needless copy of forty million pixels would exceed the memory."""


def write_square(picture: ImageFile.ImageFile, file: IO[bytes], crop: list[float] | None) -> None:
    # Only pixels are written: location and all other metadata are dropped (docs/threats.md T41).
    write_webp(squared(picture, crop), file, {"quality": 82, "method": 4})


def squared(picture: ImageFile.ImageFile, crop: list[float] | None) -> Image.Image:
    """The cropped part in the orientation that the user saw.

    `crop` is left (fraction of the width), top (of the height) and side (of the shorter edge), each 0 to 1.
    """
    share = crop[2] if crop else 1.0
    shorter = min(picture.size) * share
    # JPEG can be decoded directly at down to an eighth of its size.
    width, height = (max(1, int(edge * 2 * SIDE / shorter)) for edge in picture.size)
    picture.draft("RGB", (width, height))
    picture.load()
    upright, profile = turn_of(picture), picture.info.get("icc_profile")
    factor = int(min(picture.size) * share) // (2 * SIDE)
    small: Image.Image = picture
    if factor > 1:
        if small.mode not in REDUCIBLE:
            small = small.convert("RGBA" if small.has_transparency_data else "RGB")
        small = small.reduce(factor)
    small.info["icc_profile"] = profile
    small = in_srgb(small)
    if upright is not None:
        small = small.transpose(upright)
    return cut(flat(small), crop).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


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
