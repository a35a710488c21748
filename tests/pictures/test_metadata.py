"""Metadata: whatever a file tells besides its points is in nothing that we store (docs/threats.md T41)."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from accounts.pictures.worker.gif import APPLICATION, CONTROL, Control, GifReader
from tests.pictures import files
from tests.pictures.files import GPS, encoded, halves, segment
from tests.pictures.worker import NAMES, shown, work

CANARY = b"canary-7f3a"
Planted = Callable[[bytes, bytes], bytes]
"""Puts a canary into a file: the file, the canary."""


def exif_with(canary: bytes) -> bytes:
    """Maker, comment, place, and a thumbnail with a comment of its own."""
    exif = Image.Exif()
    exif[0x010F] = canary.decode("latin-1")
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + canary
    exif.get_ifd(0x8769)[0x927C] = canary * 20
    place = exif.get_ifd(GPS)
    place[1], place[2], place[3], place[4] = "N", (52.0, 31.0, 12.0), "E", (13.0, 24.0, 36.0)
    place[27] = canary
    return exif.tobytes() + thumbnail(canary)


def thumbnail(canary: bytes) -> bytes:
    return files.with_segments(encoded(halves(), "JPEG"), segment(0xFE, canary))


def xmp_with(canary: bytes) -> bytes:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:li>' + canary + b"</rdf:li></rdf:RDF></x:xmpmeta>"
    )
    return b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>' + packet + b'<?xpacket end="w"?>'


def iptc_with(canary: bytes) -> bytes:
    record = b"\x1c\x02\x78" + struct.pack(">H", len(canary)) + canary
    return b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record


def icc_with(canary: bytes) -> bytes:
    return files.swapped_profile() + canary


def before(*segments: Callable[[bytes], bytes]) -> Planted:
    return lambda jpeg, canary: files.with_segments(jpeg, *(make(canary) for make in segments))


def second_picture(jpeg: bytes, canary: bytes) -> bytes:
    """MPF, as phones store depth and other exposures: an index, and a whole picture after the first."""
    entry = struct.pack("<IIIHH", 0x030000, len(jpeg), 0, 0, 0)
    fields = struct.pack("<HHI4s", 0xB000, 7, 4, b"0100") + struct.pack("<HHII", 0xB001, 4, 1, 2)
    index = b"II*\0\x08\0\0\0\3\0" + fields + struct.pack("<HHII", 0xB002, 7, 32, 50) + bytes(4) + entry * 2
    return files.with_segments(jpeg, segment(0xE2, b"MPF\0" + index)) + thumbnail(canary)


JPEG: dict[str, Planted] = {
    "exif with place and thumbnail": before(lambda canary: segment(0xE1, exif_with(canary))),
    "xmp": before(lambda canary: segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp_with(canary))),
    "extended xmp": before(
        lambda canary: segment(
            0xE1,
            b"http://ns.adobe.com/xmp/extension/\0"
            + b"A" * 32
            + struct.pack(">II", 500, 0)
            + xmp_with(canary),
        )
    ),
    "iptc": before(lambda canary: segment(0xED, iptc_with(canary))),
    "comment": before(lambda canary: segment(0xFE, canary)),
    "two comments": before(lambda canary: segment(0xFE, b"one"), lambda canary: segment(0xFE, canary)),
    "colour profile": before(lambda canary: segment(0xE2, b"ICC_PROFILE\0\1\1" + icc_with(canary))),
    "jfif thumbnail": before(
        lambda canary: segment(0xE0, b"JFXX\0\x10" + thumbnail(canary)),
        lambda canary: segment(0xE0, b"JFXX\0" + canary),
    ),
    "every application segment": before(
        lambda canary: b"".join(segment(marker, canary) for marker in range(0xE3, 0xEE))
    ),
    "second picture": second_picture,
    "film after the end": lambda jpeg, canary: jpeg + struct.pack(">I", 20) + b"ftypmp42" + canary,
    "bytes after the end": lambda jpeg, canary: jpeg + canary,
}


def early(*chunks: Callable[[bytes], bytes]) -> Planted:
    return lambda png, canary: files.with_chunks(png, *(make(canary) for make in chunks))


PNG: dict[str, Planted] = {
    "text": early(lambda canary: files.chunk(b"tEXt", b"Comment\0" + canary)),
    "packed text": early(lambda canary: files.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(canary))),
    "xmp": early(lambda canary: files.chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_with(canary))),
    "exif": early(lambda canary: files.chunk(b"eXIf", exif_with(canary)[6:])),
    "exif as text": early(
        lambda canary: files.chunk(
            b"tEXt", b"Raw profile type exif\0\nexif\n9\n" + (b"Exif\0\0" + canary).hex().encode()
        )
    ),
    "colour profile": early(
        lambda canary: files.chunk(b"iCCP", canary + b"\0\0" + zlib.compress(icc_with(canary)))
    ),
    "time": early(lambda canary: files.chunk(b"tIME", canary[:7])),
    "resolution": early(lambda canary: files.chunk(b"pHYs", canary[:9])),
    "suggested palette": early(lambda canary: files.chunk(b"sPLT", canary + b"\0\x08" + bytes(6))),
    "chromaticities": early(lambda canary: files.chunk(b"cHRM", (canary * 3)[:32])),
    "chunk of an application": early(lambda canary: files.chunk(b"caNa", canary)),
    "text before the end": lambda png, canary: files.with_chunks(
        png, late=files.chunk(b"tEXt", b"Comment\0" + canary)
    ),
    "bytes after the end": lambda png, canary: png + canary,
    "bytes after the points": lambda png, canary: files.with_chunks(png, late=files.chunk(b"IDAT", canary)),
}


def beside(*chunks: Callable[[bytes], tuple[bytes, bytes]], flags: int = 0) -> Planted:
    def planted(webp: bytes, canary: bytes) -> bytes:
        picture = shown(webp)
        edges = (picture.width - 1).to_bytes(3, "little") + (picture.height - 1).to_bytes(3, "little")
        head = b"VP8X", struct.pack("<I", flags) + edges
        return files.riff(head, *files.webp_chunks(webp), *(make(canary) for make in chunks))

    return planted


WEBP: dict[str, Planted] = {
    "exif": beside(lambda canary: (b"EXIF", exif_with(canary)[6:]), flags=0x08),
    "xmp": beside(lambda canary: (b"XMP ", xmp_with(canary)), flags=0x04),
    "unknown chunk": beside(lambda canary: (b"CANA", canary)),
    "bytes after the end": lambda webp, canary: webp + canary,
    "colour profile": lambda webp, canary: encoded(shown(webp), "WEBP", icc_profile=icc_with(canary)),
}


def inside(*extensions: Callable[[bytes], bytes]) -> Planted:
    return lambda gif, canary: files.with_extensions(gif, *(make(canary) for make in extensions))


def after_the_points(gif: bytes, canary: bytes) -> bytes:
    """In the blocks of the last frame, behind the code that ends it."""
    assert gif[-2:] == b"\0;"
    return gif[:-2] + files.blocks(canary) + b";"


GIF: dict[str, Planted] = {
    "comment": inside(lambda canary: b"!\xfe" + files.blocks(canary)),
    "plain text": inside(lambda canary: b"!\x01\x0c" + bytes(12) + files.blocks(canary)),
    "xmp": inside(lambda canary: b"!\xff\x0bXMP DataXMP" + files.blocks(xmp_with(canary))),
    "block of an application": inside(lambda canary: b"!\xff\x0bCANARYCANA1" + files.blocks(canary)),
    "more than the loop": inside(lambda canary: b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0" + files.blocks(canary)),
    "unknown extension": inside(lambda canary: b"!\xaa" + files.blocks(canary)),
    "bytes after the end": lambda gif, canary: gif + canary,
    "bytes after the points": after_the_points,
}

PLAIN: dict[str, bytes] = {
    "JPEG": encoded(halves(), "JPEG"),
    "PNG": encoded(halves(), "PNG"),
    "PNG with a palette": encoded(halves(mode="P"), "PNG"),
    "APNG": files.moving("PNG"),
    "WEBP": encoded(halves(), "WEBP"),
    "lossless WEBP": encoded(halves(), "WEBP", lossless=True),
    "GIF": encoded(halves(mode="P"), "GIF"),
    "animated GIF": files.moving("GIF"),
}
KINDS = {
    "JPEG": JPEG,
    "PNG": PNG,
    "PNG with a palette": PNG,
    "APNG": PNG,
    "WEBP": WEBP,
    "lossless WEBP": WEBP,
    "GIF": GIF,
    "animated GIF": GIF,
}
CASES = [(name, kind) for name, kinds in KINDS.items() for kind in kinds]


class LabelReader(GifReader):
    """Notes the extensions. Two bytes alone are found among compressed points by chance."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.labels: set[int] = set()
        self.applications: set[bytes] = set()

    def extension(self, control: Control) -> Control:
        label, blocks = self.data[self.at], self.data[self.at + 1 :]
        self.labels.add(label)
        if label == APPLICATION:
            self.applications.add(blocks[:14])
            assert len(blocks[14:17]) == 3
            assert blocks[16] == 0, "nothing follows the number of repetitions"
        return super().extension(control)


def ensure_bare(variant: bytes) -> None:
    """Only the parts that points need. So nothing can be hidden in a part that no test has thought of."""
    kind = shown(variant).format
    if kind == "JPEG":
        segments = files.jpeg_segments(variant)
        assert {marker for marker, _ in segments} <= {0xE0, 0xDB, 0xC0, 0xC2, 0xC4, 0xDA, 0}
        assert (0, b"") in segments
        assert [data for marker, data in segments if marker == 0xE0] == [b"JFIF\0\1\1\0\0\1\0\1\0\0"]
    elif kind == "PNG":
        allowed = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
        assert {name for name, _ in files.png_chunks(variant)} <= allowed
        points = b"".join(data for name, data in files.png_chunks(variant) if name == b"IDAT")
        unpacker = zlib.decompressobj()
        unpacker.decompress(points)
        assert unpacker.unused_data == b""
    elif kind == "WEBP":
        chunks = list(files.webp_chunks(variant))
        assert {name for name, _ in chunks} <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
        assert not any(data[0] & 0x2C for name, data in chunks if name == b"VP8X")
    else:
        reader = LabelReader(variant)
        assert list(reader.frames())
        assert reader.at == len(variant)
        assert reader.labels <= {CONTROL, APPLICATION}
        assert reader.applications <= {b"\x0bNETSCAPE2.0\x03\x01"}


def ensure_gone(data: bytes, canary: bytes) -> None:
    answer = work(data)
    placeholder = base64.b64decode(answer["placeholder"].partition(",")[2])
    for variant in (*(answer[name] for name in NAMES), placeholder):
        assert canary not in variant
        ensure_bare(variant)
        assert not dict(shown(variant).getexif())
        assert not {"comment", "icc_profile", "exif", "xmp", "dpi"} & set(shown(variant).info)


@pytest.mark.parametrize(("name", "kind"), CASES, ids=lambda value: str(value))
def test_metadata_of_every_kind_is_in_no_variant(name: str, kind: str) -> None:
    data = KINDS[name][kind](PLAIN[name], CANARY)
    if "packed" not in kind and "profile" not in kind and "as text" not in kind and "time" not in kind:
        assert CANARY[:7] in data
    ensure_gone(data, CANARY)


canaries = st.binary(min_size=11, max_size=80).map(lambda data: b"canary" + data.hex().encode())


@given(canary=canaries, name=st.sampled_from(sorted(KINDS)), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_mixture_of_metadata_is_in_no_variant(canary: bytes, name: str, data: st.DataObject) -> None:
    """In any number and order; one may hide another."""
    kinds = KINDS[name]
    # A second container around the first, or a second profile, is no file that a decoder has to take.
    alone = {"exif", "xmp", "unknown chunk", "colour profile"} if kinds is WEBP else set()
    chosen = data.draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=5, unique=True))
    if len(alone & set(chosen)) > 1:
        chosen = [kind for kind in chosen if kind not in alone]
    planted = PLAIN[name]
    for kind in sorted(chosen, key=lambda kind: "after the end" in kind):
        planted = kinds[kind](planted, canary)
    ensure_gone(planted, canary)


def test_a_photo_of_a_phone_keeps_its_look_and_nothing_else() -> None:
    """Turned, with the colours of its profile, a place, a comment, and the thumbnail that phones store."""
    exif = files.turned_sideways()
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    photo = encoded(halves(), "JPEG", exif=exif, icc_profile=files.swapped_profile(), comment=CANARY)
    assert CANARY in photo
    ensure_gone(photo, CANARY)
    made = work(photo)
    for name in NAMES:
        picture = shown(made[name]).convert("RGB")
        assert picture.size == (30, 60)
        top, bottom = picture.getpixel((15, 5)), picture.getpixel((15, 55))
        assert isinstance(top, tuple)
        assert top[1] > top[0], "red and green are swapped by the profile"
        assert isinstance(bottom, tuple)
        assert bottom[2] > 150


def test_pixels_hidden_in_a_palette_are_not_metadata() -> None:
    """A table of colours is part of the picture, and stays in the download of a PNG and a GIF."""
    assert shown(work(PLAIN["PNG with a palette"])["file"]).mode == "P"
    assert io.BytesIO(work(PLAIN["GIF"])["file"]).read(6) == b"GIF89a"
