"""Animated pictures: bounded, upright, in sRGB, without metadata, and still animated."""

import io
from collections.abc import Iterator
from typing import IO, Any

from PIL import Image, ImageFile

from accounts.pictures.worker import writing
from accounts.pictures.worker.png import AnimationWriter
from accounts.pictures.worker.reading import in_srgb, plain, shrunk, turn_of, turned, with_bands
from accounts.pictures.worker.rejection import Rejected

MAX_FRAMES = 200
MAX_PIXELS_IN_ALL = {"GIF": 80_000_000, "WEBP": 40_000_000, "PNG": 40_000_000}
"""Of all frames together: what can be decoded and encoded in the time that there is."""
DISPLAY_PIXELS_IN_ALL = 20_000_000
SHORTEST_MS, USUAL_MS = 10, 100
"""Browsers show frames up to the first number for the second: so old files mean it."""
LONGEST_MS = MOST_PLAYS = 65_535
"""More does not fit into a WebP; a PNG may say that a frame stays for a day."""
FOR_DISPLAY: dict[str, Any] = {"quality": 75, "method": 0, "background": (0, 0, 0, 0)}
FOR_DOWNLOAD: dict[str, Any] = {"quality": 88, "method": 0, "background": (0, 0, 0, 0)}


def count_of(picture: ImageFile.ImageFile) -> int:
    """A PNG may begin with a picture that is no part of the animation."""
    count: int = getattr(picture, "n_frames", 1)
    return count - first_of(picture)


def first_of(picture: Image.Image) -> int:
    return 1 if picture.info.get("default_image") else 0


def ensure_bounds(count: int, picture: ImageFile.ImageFile) -> None:
    """Raises Rejected: too_many_frames, too_many_pixels."""
    if count > MAX_FRAMES:
        raise Rejected("too_many_frames")
    if count * picture.width * picture.height > MAX_PIXELS_IN_ALL[picture.format or ""]:
        raise Rejected("too_many_pixels")


class Source:
    """The frames of a file: each as it is shown at its time, upright and in sRGB."""

    def __init__(self, picture: ImageFile.ImageFile, count: int) -> None:
        self.picture, self.count, self.first = picture, count, first_of(picture)
        self.turn, self.profile = turn_of(picture), picture.info.get("icc_profile")
        picture.seek(self.first)
        picture.load()
        self.mode = "RGBA" if picture.has_transparency_data else "RGB"
        self.durations: list[int] = []

    def frames(self) -> Iterator[Image.Image]:
        """As they were decoded. `durations`, in milliseconds, grows with them: WebP tells them that late."""
        self.durations = []
        for index in range(self.first, self.first + self.count):
            self.picture.seek(index)
            self.picture.load()
            duration = int(self.picture.info.get("duration") or 0)
            self.durations.append(min(duration, LONGEST_MS) if duration > SHORTEST_MS else USUAL_MS)
            yield with_bands(self.picture)

    def finished(self, frame: Image.Image) -> Image.Image:
        if frame is self.picture:
            frame = frame.copy()
        frame.info["icc_profile"] = self.profile
        return plain(turned(in_srgb(frame), self.turn))

    def plays(self) -> int:
        """How often it is played, 0 for ever. A GIF counts repetitions, and plays once if it says nothing."""
        loop = self.picture.info.get("loop")
        if self.picture.format != "GIF":
            return min(int(loop or 0), MOST_PLAYS)
        if loop is None:
            return 1
        return min(int(loop) + 1, MOST_PLAYS) if loop else 0


class Lazy(Image.Image):
    """Frames for an encoder that asks for one after the other: there is no memory for all of a download."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source, self.n_frames, self.shown = source, source.count, -1
        self.coming = source.frames()
        self.seek(0)

    def seek(self, frame: int) -> None:
        if frame == self.shown:
            return
        if frame != self.shown + 1:
            # Back to the first at the end, of which the encoder takes nothing any more.
            return
        made = self.source.finished(next(self.coming))
        self.im, self._mode, self._size, self.shown = made.im, made.mode, made.size, frame

    def tell(self) -> int:
        return self.shown


def animated(picture: ImageFile.ImageFile, count: int, outputs: dict[str, IO[bytes]]) -> dict[str, Any]:
    """Write the variants of an animation; its thumbnail is the first frame. gif.py writes `file` for a GIF.

    Raises:
        Rejected: beyond the limits.
    """
    ensure_bounds(count, picture)
    source, longest = Source(picture, count), display_points(picture, count)
    download = AnimationWriter(outputs["file"], count, source.plays()) if picture.format == "PNG" else None
    shown = []
    size = picture.size
    for frame in source.frames():
        if download is not None:
            whole = source.finished(frame.convert(source.mode))
            download.add(whole, source.durations[-1])
        shown.append(source.finished(shrunk(frame, longest, Image.Resampling.HAMMING)))
        size = frame.size
    if download is not None:
        download.end()
    movement: dict[str, Any] = {"save_all": True, "duration": source.durations, "loop": source.plays()}
    is_whole = picture.format == "WEBP" and longest >= max(size)
    display = io.BytesIO()
    shown[0].save(
        display, "WEBP", append_images=shown[1:], **movement, **(FOR_DOWNLOAD if is_whole else FOR_DISPLAY)
    )
    outputs["display"].write(display.getbuffer())
    placeholder = writing.write_thumb(shown[0], outputs["thumb"])
    if is_whole:
        outputs["file"].write(display.getbuffer())
    elif picture.format == "WEBP":
        del shown
        lazy = Lazy(source)
        lazy.save(outputs["file"], "WEBP", **{**movement, "duration": source.durations}, **FOR_DOWNLOAD)
    width, height = turned_size(size, source)
    return {"width": width, "height": height, "placeholder": placeholder}


def turned_size(size: tuple[int, int], source: Source) -> tuple[int, int]:
    return turned(Image.new("1", size), source.turn).size


def display_points(picture: Image.Image, count: int) -> int:
    """The longer edge for the page: smaller for many frames."""
    longest = max(picture.size)
    share = (DISPLAY_PIXELS_IN_ALL / (count * picture.width * picture.height)) ** 0.5
    return max(1, min(writing.DISPLAY_POINTS, int(longest * min(share, 1.0))))
