"""Reading pictures: the decoder for the format, limits before decoding, upright, in sRGB."""

import io
from contextlib import suppress
from typing import IO

from PIL import (
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    ImagePalette,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from accounts.pictures.worker.rejection import Rejected

MAX_PIXELS = 40_000_000
READERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
"""No other decoder is reachable: rare formats have rarely tested decoders. The classes and not `Image.open`,
which makes other formats out of some JPEG files."""
# The decoder of WebP asks for its memory before we see the size. Pillow refuses twice this number.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2

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
IMPORTED_LATE = (ImagePalette, TiffImagePlugin)
"""Pillow imports them when a picture needs them (TIFF for EXIF). By then no file can be opened any more."""
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
SIXTEEN_BITS = frozenset({"I", "I;16", "I;16B", "I;16L"})


def opened(file: IO[bytes], picture_format: str) -> ImageFile.ImageFile:
    """The picture, of which only the header is read.

    Raises:
        Rejected: more than MAX_PIXELS.
        Exception: what a decoder may raise for a damaged file.
    """
    try:
        picture = READERS[picture_format](file)
    except Image.DecompressionBombError:
        raise Rejected("too_many_pixels") from None
    if picture.width * picture.height > MAX_PIXELS:
        raise Rejected("too_many_pixels")
    return picture


def turn_of(picture: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright: phones store pictures turned. A broken tag does not invalidate one."""
    with suppress(Exception):
        return TURNS.get(int(picture.getexif().get(ORIENTATION, 1)))
    return None


def turned(picture: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return picture if turn is None else picture.transpose(turn)


def in_srgb(picture: Image.Image) -> Image.Image:
    """With the colours that a screen shows when nothing is said about colours; the profile can go after that.

    The picture given is used up: at 40 megapixels there is no memory for two.
    """
    profile = profile_of(picture)
    if profile is None or (profile.profile.profile_description or "").lower().startswith("srgb"):
        return picture
    try:
        if picture.mode == "P":
            return with_colours_in_srgb(picture, profile)
        if picture.mode in {"RGB", "RGBA"}:
            ImageCms.profileToProfile(picture, profile, SRGB, inPlace=True)
            return picture
        if picture.mode in {"L", "CMYK"}:
            return ImageCms.profileToProfile(picture, profile, SRGB, outputMode="RGB") or picture
    except ImageCms.PyCMSError:
        # A profile for other colours than these: as if there were none.
        pass
    return picture


def with_colours_in_srgb(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """The same for a picture with a table of colours."""
    table = bytes(picture.getpalette("RGB") or ())
    colours = Image.frombytes("RGB", (len(table) // 3, 1), table)
    ImageCms.profileToProfile(colours, profile, SRGB, inPlace=True)
    picture.putpalette(colours.tobytes(), "RGB")
    return picture


def profile_of(picture: Image.Image) -> ImageCms.ImageCmsProfile | None:
    data = picture.info.get("icc_profile")
    if not data:
        return None
    with suppress(Exception):
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    return None


def with_bands(picture: Image.Image) -> Image.Image:
    """As RGB, or RGBA if anything is transparent: what can be scaled and shown."""
    if picture.mode in SIXTEEN_BITS:
        picture = picture.point(lambda value: value / 256).convert("L")
        picture.info = {}
    wanted = "RGBA" if picture.has_transparency_data else "RGB"
    return picture if picture.mode == wanted else picture.convert(wanted)


def plain(picture: Image.Image) -> Image.Image:
    """Without what came with the points: comments, profiles, resolution. Encoders would copy some of it."""
    kept = picture.info.get("transparency")
    picture.info = {} if kept is None else {"transparency": kept}
    return picture


def shrunk(
    picture: Image.Image, longest: int, resampling: Image.Resampling = Image.Resampling.BICUBIC
) -> Image.Image:
    """Scaled down to at most `longest` points; a smaller picture stays as it is, and is not copied."""
    width, height = picture.size
    if max(width, height) <= longest:
        return picture
    size = tuple(max(1, round(edge * longest / max(width, height))) for edge in (width, height))
    # Averaging is fast, and what is left is enough for the better filter.
    factor = int(max(width, height) / longest / 1.5)
    if factor > 1:
        picture = picture.reduce(factor)
    return picture.resize(size, resampling)
