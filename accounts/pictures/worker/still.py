"""Pictures without motion: upright, in sRGB, without metadata; in full, for the page, and as a thumbnail."""

from mmap import mmap
from typing import IO, Any

from PIL import Image, ImageFile

from accounts.pictures.worker import writing
from accounts.pictures.worker.png import write_png
from accounts.pictures.worker.reading import in_srgb, turn_of, turned, with_bands

RIFF_HEAD, MOST_CHUNKS = 12, 16
KEPT = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK"})


def still(picture: ImageFile.ImageFile, data: bytes | mmap, outputs: dict[str, IO[bytes]]) -> dict[str, Any]:
    """Write the variants of a picture and say what it is.

    Args:
        data: the whole file.
        outputs: `display` and `thumb`; `file` is the download, which gif.py writes for a GIF.
    """
    picture_format = picture.format
    jpeg = writing.jpeg_options(picture) if picture_format == "JPEG" else (0, 0)
    picture.load()
    turn = turn_of(picture)
    upright = turned(in_srgb(kept(detached(picture))), turn)
    if picture_format == "JPEG":
        writing.write_jpeg(upright, outputs["file"], *jpeg)
    elif picture_format == "PNG":
        write_png(upright, outputs["file"])
    elif picture_format == "WEBP":
        writing.write_full_webp(upright, outputs["file"], is_lossless=is_lossless(data))
    placeholder = writing.write_small(upright, outputs)
    return {"width": upright.width, "height": upright.height, "placeholder": placeholder}


def is_lossless(webp: bytes | mmap) -> bool:
    """Whether a WebP has its points in a chunk without loss. Others may come before it."""
    at = RIFF_HEAD
    for _ in range(MOST_CHUNKS):
        kind, length = webp[at : at + 4], int.from_bytes(webp[at + 4 : at + 8], "little")
        if kind in {b"VP8L", b"VP8 "}:
            return kind == b"VP8L"
        at += 8 + length + length % 2
    return False


def detached(picture: ImageFile.ImageFile) -> Image.Image:
    """The points alone. The decoder goes, which may hold several times as much memory."""
    alone = picture._new(picture.im)
    picture.close()
    if hasattr(picture, "_decoder"):
        del picture._decoder
    return alone


def kept(picture: Image.Image) -> Image.Image:
    """In a mode that all of the following can deal with."""
    if picture.mode in KEPT:
        return picture
    profile = picture.info.get("icc_profile")
    converted = with_bands(picture)
    converted.info["icc_profile"] = profile
    return converted
