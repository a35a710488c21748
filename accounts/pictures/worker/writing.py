"""Writing pictures: the download in its own format, and WebP for the page. None of it carries metadata
(T41)."""

import base64
import io
from contextlib import suppress
from typing import IO, Any

from PIL import Image, JpegImagePlugin

from accounts.pictures.worker.reading import plain, shrunk, with_bands
from accounts.pictures.worker.rejection import Rejected

DISPLAY_POINTS, THUMB_POINTS, PLACEHOLDER_POINTS = 2048, 480, 16
DISPLAY: dict[str, Any] = {"quality": 82, "method": 2}
THUMB: dict[str, Any] = {"quality": 80, "method": 4}
PLACEHOLDER: dict[str, Any] = {"quality": 40, "method": 4, "alpha_quality": 40}

LUMINANCE_SUM = 3_688
"""Of the table in annex K of the JPEG standard, from which encoders derive the tables of each quality."""
LOWEST_QUALITY, HIGHEST_QUALITY = 60, 95
FULL_WEBP_QUALITIES = (90, 60)
LOSSLESS_WEBP_PIXELS = 10_000_000
"""A screenshot of the largest screens. Larger ones would take more memory and time than there is."""


def write_webp(picture: Image.Image, file: IO[bytes], options: dict[str, Any]) -> None:
    plain(picture).save(file, "WEBP", **options, exif=b"", xmp=b"", icc_profile=None)


def write_small(picture: Image.Image, outputs: dict[str, IO[bytes]]) -> str:
    """Write `display` and `thumb`. Returns the placeholder, as a data URI.

    Args:
        picture: upright and in sRGB.
    """
    shown = shrunk(with_bands(picture), DISPLAY_POINTS)
    write_webp(shown, outputs["display"], DISPLAY)
    return write_thumb(shown, outputs["thumb"])


def write_thumb(shown: Image.Image, file: IO[bytes]) -> str:
    thumb = shrunk(shown, THUMB_POINTS)
    write_webp(thumb, file, THUMB)
    tiny = io.BytesIO()
    write_webp(shrunk(thumb, PLACEHOLDER_POINTS), tiny, PLACEHOLDER)
    return "data:image/webp;base64," + base64.b64encode(tiny.getvalue()).decode("ascii")


def write_jpeg(picture: Image.Image, file: IO[bytes], quality: int, subsampling: int) -> None:
    picture = picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")
    plain(picture).save(file, "JPEG", quality=quality, subsampling=subsampling)


def jpeg_options(picture: Any) -> tuple[int, int]:
    """About the quality that the picture came with: less would show, more would only be larger. Its own
    tables are not copied: they tell which camera or program made it.

    Args:
        picture: as read, a JpegImageFile.
    """
    table = picture.quantization.get(0)
    scale = 100 * sum(table) / LUMINANCE_SUM if table else 100
    quality = round(100 - scale / 2 if scale <= 100 else 5_000 / scale)
    is_sampled_fully = JpegImagePlugin.get_sampling(picture) == 0
    return min(max(quality, LOWEST_QUALITY), HIGHEST_QUALITY), 0 if is_sampled_fully else 2


def write_full_webp(picture: Image.Image, file: IO[bytes], *, is_lossless: bool) -> None:
    picture = plain(with_bands(picture))
    if is_lossless and picture.width * picture.height <= LOSSLESS_WEBP_PIXELS:
        return write_webp(picture, file, {"lossless": True, "quality": 0, "method": 0})
    for quality in FULL_WEBP_QUALITIES:
        # The format has no room for much detail at a large size.
        with suppress(ValueError):
            return write_webp(picture, file, {"quality": quality, "method": 0})
    raise Rejected("too_many_pixels")
