"""Hostile files: bombs, polyglots, files that are cut or broken. Each is refused with its reason, at bounded
cost (docs/threats.md T39 and T40)."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest
from PIL import Image

from accounts.pictures.worker import animation
from accounts.pictures.worker.jpeg import MOST_SCANS
from accounts.pictures.worker.rejection import Rejected
from tests.pictures import files
from tests.pictures.files import chunk, encoded, gif_of, halves, moving, png_that_claims, segment
from tests.pictures.worker import NAMES, frames_of, shown, work

PICTURES = {
    "JPEG": encoded(halves(200, 100), "JPEG"),
    "progressive JPEG": encoded(halves(200, 100), "JPEG", progressive=True),
    "PNG": encoded(Image.effect_noise((60, 60), 90), "PNG"),
    "APNG": moving("PNG", 3),
    "WEBP": encoded(halves(200, 100), "WEBP"),
    "animated WEBP": moving("WEBP", 3),
    "GIF": encoded(Image.effect_noise((60, 60), 90), "GIF"),
    "animated GIF": moving("GIF", 3),
}


def reason_for(data: bytes) -> str:
    with pytest.raises(Rejected) as rejected:
        work(data)
    return rejected.value.reason


# Bombs


def jpeg_that_claims(width: int, height: int) -> bytes:
    """A true file with another size in its frame header."""
    data = bytearray(PICTURES["JPEG"])
    at = data.index(b"\xff\xc0") + 5
    struct.pack_into(">HH", data, at, height, width)
    return bytes(data)


def webp_that_claims(width: int, height: int) -> bytes:
    edges = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return files.riff((b"VP8X", bytes(4) + edges), *files.webp_chunks(PICTURES["WEBP"]))


def gif_that_claims(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + gif_of(1)[13:]


TOO_MANY_PIXELS = {
    "png of four hundred megapixels": png_that_claims(20_000, 20_000, files.zeros(1 << 20)),
    "png as wide as a number can be": png_that_claims(0x7FFFFFFF, 1),
    "png just too large": png_that_claims(8_000, 5_001),
    "jpeg of four gigapixels": jpeg_that_claims(65_500, 65_500),
    "jpeg just too large": jpeg_that_claims(8_000, 5_001),
    "webp of sixteen thousand squared": webp_that_claims(16_384, 16_384),
    "webp just too large": webp_that_claims(8_000, 5_001),
    "gif of four gigapixels": gif_that_claims(65_535, 65_535),
    "animated gif with large frames": gif_of(180, (900, 700)),
}


@pytest.mark.parametrize("name", TOO_MANY_PIXELS)
def test_a_picture_with_too_many_points_is_refused_by_its_header(name: str) -> None:
    assert reason_for(TOO_MANY_PIXELS[name]) == "too_many_pixels"


def apng_that_claims(frames: int) -> bytes:
    return png_that_claims(1, 1, zlib.compress(bytes(4)), chunk(b"acTL", struct.pack(">II", frames, 0)))


def test_two_hundred_frames_pass_and_one_more_does_not() -> None:
    assert animation.MAX_FRAMES == 200
    assert len(frames_of(work(gif_of(200))["file"])) == 200
    assert reason_for(gif_of(201)) == "too_many_frames"
    assert reason_for(moving("WEBP", 201, (2, 2))) == "too_many_frames"
    assert reason_for(apng_that_claims(201)) == "too_many_frames"


def test_a_hundred_thousand_frames_are_not_even_counted() -> None:
    """A million bytes of frames: only the first two hundred and one are looked at."""
    assert reason_for(gif_of(100_000)) == "too_many_frames"
    assert reason_for(apng_that_claims(0x7FFFFFFF)) == "too_many_frames"


def jpeg_of_scans(count: int, *segments: bytes) -> bytes:
    """A progressive file that says the same again and again, in few bytes."""
    jpeg = files.with_segments(encoded(Image.new("L", (60, 60), 128), "JPEG", progressive=True), *segments)
    first, last, end = jpeg.index(b"\xff\xda"), jpeg.rindex(b"\xff\xda"), jpeg.rindex(b"\xff\xd9")
    own = jpeg[first:end].count(b"\xff\xda")
    return jpeg[:end] + jpeg[last:end] * (count - own) + jpeg[end:]


def test_a_jpeg_of_thousands_of_scans_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs the time of all points: with forty megapixels, a file of 100 KB would take a minute."""
    assert work(jpeg_of_scans(MOST_SCANS))["type"] == "image/jpeg"
    monkeypatch.setattr("accounts.pictures.worker.run.opened", None)
    for count in (MOST_SCANS + 1, 5_000):
        assert reason_for(jpeg_of_scans(count)) == "too_slow"


def test_what_only_looks_like_scans_does_not_count() -> None:
    """In a thumbnail, among the points, and in a film after the end."""
    scans = b"\xff\xda\0\2" * 5_000
    restarts = encoded(Image.effect_noise((400, 400), 90), "JPEG", restart_marker_blocks=1)
    for data in (jpeg_of_scans(10, segment(0xE1, b"Exif\0\0" + scans)), restarts):
        assert work(data + scans)["type"] == "image/jpeg"


def test_packed_text_in_a_png_does_not_fill_the_memory() -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + files.zeros(64 << 20))
    assert reason_for(png_that_claims(1, 1, zlib.compress(bytes(4)), text)) == "damaged"
    profile = chunk(b"iCCP", b"x\0\0" + files.zeros(64 << 20))
    assert reason_for(png_that_claims(1, 1, zlib.compress(bytes(4)), profile)) == "damaged"


def test_more_points_than_the_header_says_are_ignored() -> None:
    made = work(png_that_claims(4, 4, files.zeros(32 << 20)))
    assert shown(made["file"]).size == (4, 4)
    assert len(made["file"]) < 200


# Cut and broken


@pytest.mark.parametrize("name", PICTURES)
def test_a_cut_file_is_refused_wherever_it_is_cut(name: str) -> None:
    data = PICTURES[name]
    for share in (0.3, 0.6, 0.9):
        assert reason_for(data[: int(len(data) * share)]) in {"damaged", "mismatch"}


@pytest.mark.parametrize("name", PICTURES)
def test_a_broken_file_ends_in_a_picture_or_a_refusal_and_nothing_else(name: str) -> None:
    """Bytes turned over at random: no other error, and whatever is made is a picture of that size."""
    rolled = random.Random(name)
    for _ in range(40):
        data = bytearray(PICTURES[name])
        for _ in range(rolled.randint(1, 20)):
            data[rolled.randrange(12, len(data))] = rolled.randrange(256)
        with suppress(Rejected):
            made = work(bytes(data))
            assert shown(made["file"]).size == (made["width"], made["height"])


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(50),
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""),
        b"GIF89a",
        b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0) + b";",
        b"RIFF\xff\xff\xff\x7fWEBPVP8 ",
        files.riff((b"VP8X", bytes(10))),
        files.with_segments(PICTURES["JPEG"], segment(0xC0, bytes(15))),
    ],
)
def test_the_head_of_a_picture_alone_is_damaged(data: bytes) -> None:
    assert reason_for(data) == "damaged"


def test_a_frame_outside_of_its_gif_is_damaged() -> None:
    """Decoders make the canvas larger for it: up to four gigapixels."""
    gif = bytearray(gif_of(2, (4, 4)))
    at = gif.rindex(b",")
    struct.pack_into("<HHHH", gif, at + 1, 60_000, 60_000, 5_000, 5_000)
    assert reason_for(bytes(gif)) == "damaged"


def apng_of(frames: int, *, plays: int = 0, **told: tuple[int, ...]) -> bytes:
    """Frames of 4 by 4 points; `told` replaces what the last one says of itself."""
    parts, number = [], 0
    for index in range(frames):
        told_of_it = told if index == frames - 1 else {}
        width, height, left, top = told_of_it.get("box", (4, 4, 0, 0))
        delay = told_of_it.get("delay", (1, 10))
        head = struct.pack(">IIIIIHHBB", number, width, height, left, top, *delay, 0, 0)
        points = zlib.compress((b"\0" + bytes([40 * index + 40] * 12)) * 4)
        parts.append(chunk(b"fcTL", head))
        if index == 0:
            parts.append(chunk(b"IDAT", points))
        else:
            parts.append(chunk(b"fdAT", struct.pack(">I", number + 1) + points))
        number += 1 if index == 0 else 2
    shape = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    start = (chunk(b"IHDR", shape), chunk(b"acTL", struct.pack(">II", frames, plays)))
    return b"".join([b"\x89PNG\r\n\x1a\n", *start, *parts, chunk(b"IEND", b"")])


@pytest.mark.parametrize("box", [(400, 400, 0, 0), (4, 4, 3, 3), (0, 0, 0, 0), (4, 4, 0xFFFFFFFF, 0)])
def test_a_frame_outside_of_its_png_is_damaged(box: tuple[int, ...]) -> None:
    assert reason_for(apng_of(3, box=box)) == "damaged"


@pytest.mark.parametrize(("at", "value"), [(8, 5_000), (14, 5_000), (17, 5_000)])
def test_a_frame_of_a_webp_that_says_more_than_it_has_is_never_larger_than_its_canvas(
    at: int, value: int
) -> None:
    webp = bytearray(PICTURES["animated WEBP"])
    start = webp.index(b"ANMF")
    webp[start + at : start + at + 3] = value.to_bytes(3, "little")
    with suppress(Rejected):
        made = work(bytes(webp))
        assert {frame.size for frame in frames_of(made["file"])} == {(40, 30)}


@pytest.mark.parametrize("delay", [(65_535, 1), (65_535, 0), (0, 0), (1, 65_535)])
def test_any_duration_and_any_number_of_repetitions_can_be_shown(delay: tuple[int, int]) -> None:
    """A PNG may say that a frame stays for a day; the other format has no room for it."""
    made = work(apng_of(3, delay=delay, plays=0xFFFFFFFF))
    for name in ("file", "display"):
        assert len(frames_of(made[name])) == 3
        assert shown(made[name]).info["loop"] == 65_535


# Polyglots


def gif_that_is_a_script() -> bytes:
    """Its width is the beginning of a comment, which a comment of the GIF ends before the script."""
    head = b"GIF89a/*" + struct.pack("<HBBB", 10, 0x80, 0, 0) + bytes(6)
    return head + b"!\xfe" + files.blocks(b"*/=1;alert(1)//") + gif_of(1)[19:]


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "hello")
    return out.getvalue()


POLYGLOTS = {
    "gif and script": gif_that_is_a_script(),
    "gif and assignment": b"GIF89a=1;/*" + PICTURES["GIF"][11:],
    "jpeg and zip": PICTURES["JPEG"] + zipped(),
    "png and jar in a chunk": files.with_chunks(PICTURES["PNG"], late=chunk(b"zIPp", zipped())) + zipped(),
    "png and page": files.with_chunks(
        PICTURES["PNG"], chunk(b"tEXt", b"Comment\0<html><script>alert(1)</script>")
    ),
    "jpeg and page": files.with_segments(PICTURES["JPEG"], segment(0xFE, b"<SCRIPT src=//evil.example>")),
    "jpeg and drawing": PICTURES["JPEG"] + b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">',
    "gif and php": files.with_extensions(
        PICTURES["GIF"], b"!\xfe" + files.blocks(b"<?php system($_GET[0]);")
    ),
    "webp and page": PICTURES["WEBP"] + b"<!DOCTYPE html><body onload=alert(1)>",
    "jpeg and pdf": files.with_segments(PICTURES["JPEG"], segment(0xFE, b"%PDF-1.7\n1 0 obj")),
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_picture_that_is_another_kind_of_file_as_well_is_refused(name: str) -> None:
    """docs/threats.md T39."""
    assert reason_for(POLYGLOTS[name]) == "mismatch"


@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_polyglot_that_is_not_recognised_is_only_a_picture_afterwards(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check above is a courtesy. This is the protection: nothing but points is taken over."""
    monkeypatch.setattr("accounts.pictures.worker.run.is_polyglot", lambda data: False)
    try:
        made = work(POLYGLOTS[name])
    except Rejected:
        return
    for variant in (made[name] for name in NAMES):
        for sign in (b"alert", b"PK\x05\x06", b"<html", b"<?php", b"%PDF", b"SCRIPT", b"<svg"):
            assert sign not in variant


def test_photos_are_not_taken_for_polyglots() -> None:
    """Phones append films; their XMP is markup; and by chance any four bytes occur in a large file."""
    film = struct.pack(">I", 24) + b"ftypmp42" + bytes(12)
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
    chance = b"<svg!<Script<html~PK\x05\x06PK\x03\x04"
    photo = files.with_segments(PICTURES["JPEG"], segment(0xE1, xmp), segment(0xE5, chance)) + film
    assert work(photo)["type"] == "image/jpeg"
