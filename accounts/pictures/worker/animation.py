"""Animated pictures: bounded, upright, in sRGB, without metadata, and still animated."""

from collections.abc import Callable
from typing import IO, Any

from PIL import Image, ImageFile

from accounts.pictures.worker import writing
from accounts.pictures.worker.reading import in_srgb, plain, shrunk, turn_of, turned, with_bands
from accounts.pictures.worker.rejection import Rejected

MAX_FRAMES = 200
MAX_PIXELS_IN_ALL = 100_000_000
"""Of all frames together: what can be decoded and encoded in the time that there is."""
DISPLAY_PIXELS_IN_ALL = 24_000_000
SHORTEST_MS, USUAL_MS = 10, 100
"""Browsers show frames up to the first number for the second: so old files mean it."""


class Frames(Image.Image):
    """The frames of a picture, each prepared when an encoder asks for it: there is no memory for all.

    `durations` grows while the frames are read, in milliseconds.
    """

    def __init__(
        self, source: ImageFile.ImageFile, count: int, prepare: Callable[[Image.Image], Image.Image]
    ) -> None:
        super().__init__()
        self.source, self.n_frames, self.prepare = source, count, prepare
        # A PNG may begin with a picture that is no part of the animation.
        self.first = 1 if source.info.get("default_image") else 0
        self.durations: list[int] = []
        self.shown = -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        if frame >= self.n_frames:
            raise EOFError
        if frame == self.shown:
            return
        self.source.seek(self.first + frame)
        made = self.prepare(self.source.copy())
        # Also the duration: WebP knows it only once the frame is decoded.
        duration = int(self.source.info.get("duration") or 0)
        self.im, self._mode, self._size, self.shown = made.im, made.mode, made.size, frame
        if frame == len(self.durations):
            self.durations.append(duration if duration > SHORTEST_MS else USUAL_MS)

    def tell(self) -> int:
        return self.shown


def count_of(picture: ImageFile.ImageFile) -> int:
    count: int = getattr(picture, "n_frames", 1)
    return count - 1 if picture.info.get("default_image") else count


def ensure_bounds(count: int, picture: Image.Image) -> None:
    """Raises Rejected: too_many_frames, too_many_pixels."""
    if count > MAX_FRAMES:
        raise Rejected("too_many_frames")
    if count * picture.width * picture.height > MAX_PIXELS_IN_ALL:
        raise Rejected("too_many_pixels")


def animated(picture: ImageFile.ImageFile, count: int, outputs: dict[str, IO[bytes]]) -> dict[str, Any]:
    """Write the variants of an animation; its thumbnail is the first frame. gif.py writes `file` for a
    GIF."""
    turn, profile = turn_of(picture), picture.info.get("icc_profile")
    loop = plays_of(picture)

    def whole(frame: Image.Image) -> Image.Image:
        bands = with_bands(frame)
        bands.info["icc_profile"] = profile
        return plain(turned(in_srgb(bands), turn))

    longest = display_points(picture, count)
    shown = Frames(picture, count, lambda frame: shrunk(whole(frame), longest))
    first = shown.copy()
    options: dict[str, Any] = {"save_all": True, "duration": shown.durations, "loop": loop}
    shown.save(outputs["display"], "WEBP", **options, quality=75, method=0, background=(0, 0, 0, 0))
    full = Frames(picture, count, whole)
    options["duration"] = full.durations
    if picture.format == "WEBP":
        full.save(outputs["file"], "WEBP", **options, quality=90, method=0, background=(0, 0, 0, 0))
    elif picture.format == "PNG":
        full.save(outputs["file"], "PNG", **options, compress_level=1, default_image=False)
    placeholder = writing.write_thumb(first, outputs["thumb"])
    return {"width": full.width, "height": full.height, "placeholder": placeholder}


def display_points(picture: Image.Image, count: int) -> int:
    """The longer edge for the page: smaller for many frames."""
    longest = max(picture.size)
    share = (DISPLAY_PIXELS_IN_ALL / (count * picture.width * picture.height)) ** 0.5
    return max(1, min(writing.DISPLAY_POINTS, int(longest * min(share, 1.0))))


def plays_of(picture: Image.Image) -> int:
    """How often it is played, 0 for ever. A GIF counts repetitions, and plays once if it says nothing."""
    loop = picture.info.get("loop")
    if picture.format != "GIF":
        return int(loop or 0)
    if loop is None:
        return 1
    return min(int(loop) + 1, 65_535) if loop else 0
