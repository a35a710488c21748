"""PURE. What a file is, by its first bytes; its name and the client's word decide nothing (docs/threats.md
T39).

Sound and film are not decoded here: what begins like WebM or MP4 is given to the browsers, which decode it in
a process of their own. Everything else that is no picture is a download."""

from __future__ import annotations

import mimetypes

HEAD_BYTES = 4096
UNKNOWN_TYPE = "application/octet-stream"

EBML, DOCTYPE = b"\x1aE\xdf\xa3", 0x4282
BRANDS = frozenset(
    b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 mp71 avc1 hvc1 hev1 dash cmfc cmf2"
    b" MSNV M4A M4V M4VH M4VP".split()
)
"""Brands of files with sound or film that browsers play. Not QuickTime, 3GPP, HEIF and its relatives."""

PICTURES_NOT_SHOWN = (
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"\0\0\1\0",
    b"8BPS",
    b"\xff\x0a",
    b"\0\0\0\x0cJXL ",
    b"\0\0\0\x0cjP  ",
)
"""BMP, TIFF, icons, Photoshop, JPEG XL, JPEG 2000."""
PICTURE_BRANDS = frozenset(b"heic heix hevc heim heis hevm hevs mif1 msf1 avif avis crx".split())

TYPES = mimetypes.MimeTypes()
"""Python's own table. Not that of the machine, which differs from one to the next."""
TEXTS = frozenset({"text/plain", "text/csv"})
FAMILIES = frozenset({"application", "audio", "image", "video"})
ACTIVE = ("xml", "script", "html")
"""In the names of types that a browser runs, or shows as a page."""


def container_of(head: bytes) -> str | None:
    """`webm` or `mp4`; `other` for a relative of them that browsers do not play; None for anything else."""
    if head.startswith(EBML):
        return "webm" if doctype_of(head) == b"webm" else "other"
    if head[4:8] == b"ftyp":
        return "mp4" if is_played(head) else "other"
    return None


def is_played(head: bytes) -> bool:
    """Whether one of the brands of an ISO file is played: recorders put it first or among the others."""
    first, size = brand_at(head, 8), min(int.from_bytes(head[:4], "big"), len(head))
    others = {brand_at(head, at) for at in range(16, size - 3, 4)}
    return first in BRANDS or (first not in PICTURE_BRANDS and bool(others & BRANDS))


def brand_at(head: bytes, at: int) -> bytes:
    return head[at : at + 4].rstrip(b" ")


def doctype_of(head: bytes) -> bytes | None:
    """The document type of an EBML header (RFC 8794), which names Matroska or WebM."""
    at, end = len(EBML), len(head)
    length, at = number_at(head, at)
    end = min(end, at + length)
    while at < end:
        width = leading_zeros(head[at]) + 1
        identity = int.from_bytes(head[at : at + width], "big")
        length, at = number_at(head, at + width)
        if identity == DOCTYPE:
            return head[at : min(at + length, end)].rstrip(b"\0")
        at += length
    return None


def number_at(head: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends. Past the end of the head it is 0."""
    if at >= len(head) or head[at] == 0:
        return 0, len(head)
    width = leading_zeros(head[at]) + 1
    value = int.from_bytes(head[at : at + width], "big")
    return value & ((1 << 7 * width) - 1), at + width


def leading_zeros(byte: int) -> int:
    return 8 - byte.bit_length()


def is_picture_of_another_format(head: bytes) -> bool:
    return head.startswith(PICTURES_NOT_SHOWN) or (
        head[4:8] == b"ftyp" and brand_at(head, 8) in PICTURE_BRANDS
    )


def type_of_download(name: str) -> str:
    """The type of a file that is only downloaded, by the end of its name: for the icon beside it. Nothing
    that a browser would run or show as a page, whatever else the response says."""
    # As a path: Python reads a name as an address, and one with `data:` states its type itself.
    guessed, packed = TYPES.guess_type(f"./{name}")
    if packed is not None:
        return "application/gzip" if packed == "gzip" else UNKNOWN_TYPE
    if guessed is None or any(word in guessed for word in ACTIVE):
        return UNKNOWN_TYPE
    return guessed if guessed in TEXTS or guessed.partition("/")[0] in FAMILIES else UNKNOWN_TYPE
