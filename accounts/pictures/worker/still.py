"""Pictures without motion: upright, in sRGB, without metadata; in full, for the page, and as a thumbnail."""

from typing import IO, Any

from PIL import Image, ImageFile

from accounts.pictures.worker import writing
from accounts.pictures.worker.png import write_png
from accounts.pictures.worker.reading import in_srgb, turn_of, turned, with_bands

LOSSLESS_WEBP = b"VP8L"
KEPT = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK"})


def still(picture: ImageFile.ImageFile, outputs: dict[str, IO[bytes]], head: bytes) -> dict[str, Any]:
    """Write the variants of a picture and say what it is.

    Args:
        outputs: `display` and `thumb`; `file` is the download, which gif.py writes for a GIF.
        head: the first bytes of the file.
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
        writing.write_full_webp(upright, outputs["file"], is_lossless=LOSSLESS_WEBP in head)
    placeholder = writing.write_small(upright, outputs)
    return {"width": upright.width, "height": upright.height, "placeholder": placeholder}


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
