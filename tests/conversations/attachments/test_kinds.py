"""What a file is by its first bytes (docs/threats.md T39)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.pictures.formats import picture_format
from conversations.attachments.kinds import (
    container_of,
    doctype_of,
    is_picture_of_another_format,
    type_of_download,
)


def ebml(doctype: bytes, *before: bytes) -> bytes:
    """The header that Matroska and WebM begin with."""
    elements = b"".join(before) + b"\x42\x82" + bytes([0x80 | len(doctype)]) + doctype
    return (
        b"\x1aE\xdf\xa3"
        + bytes([0x80 | len(elements)])
        + elements
        + b"\x18S\x80g\x01\xff\xff\xff\xff\xff\xff\xff"
    )


VERSION = b"\x42\x86\x81\x01"
CHROME = bytes.fromhex(
    "1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff"
)
"""The beginning of what MediaRecorder makes in Chrome."""
FIREFOX = bytes.fromhex(
    "1a45dfa3010000000000001f4286810142f7810142f2810442f381084282847765626d4287810442858102"
)
SAFARI = b"\0\0\0\x1cftypmp42\0\0\0\x01mp41mp42isom"


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (CHROME, "webm"),
        (FIREFOX, "webm"),
        (ebml(b"webm"), "webm"),
        (ebml(b"webm\0\0", VERSION), "webm"),
        (SAFARI, "mp4"),
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "mp4"),
        (b"\0\0\0\x14ftypM4A \0\0\0\0M4A ", "mp4"),
        (b"\0\0\0\x18ftyphlsf\0\0\0\0hlsfiso5", "mp4"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  mp42", "mp4"),
        (b"\0\0\0\x10ftypqt  \0\0\0\0mp42isom", "other"),
        (b"\0\0\0\x20ftypavis\0\0\0\0avismsf1iso8isom", "other"),
        (ebml(b"matroska"), "other"),
        (ebml(b"webmx"), "other"),
        (ebml(b"WEBM"), "other"),
        (b"\x1aE\xdf\xa3", "other"),
        (b"\x1aE\xdf\xa3\x80webm", "other"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "other"),
        (b"\0\0\0\x14ftyp3gp4", "other"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "other"),
        (b"\0\0\0\x18ftyp", "other"),
        (b"OggS\0\x02", None),
        (b"ID3\x03\0", None),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"<html><!-- ftypmp42 webm", None),
        (b"ftypmp42", None),
        (b"", None),
    ],
)
def test_only_webm_and_mp4_are_played(head: bytes, container: str | None) -> None:
    assert container_of(head) == container


@given(st.binary(max_size=80))
def test_any_bytes_after_the_signature_are_read_to_an_end(data: bytes) -> None:
    """Lengths that lie, elements without an end, numbers of any width."""
    doctype_of(b"\x1aE\xdf\xa3" + data)
    container_of(b"\x1aE\xdf\xa3" + data)
    container_of(data[:4] + b"ftyp" + data)
    picture_format(data)
    is_picture_of_another_format(data)


def test_the_doctype_is_an_element_and_not_just_four_letters() -> None:
    """In a comment before it, or behind the end of the header, it counts for nothing."""
    assert container_of(ebml(b"matroska", b"\xec\x84webm")) == "other"
    assert container_of(ebml(b"matroska") + b"\x42\x82\x84webm") == "other"


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF87a", "GIF"),
        (b"GIF89a", "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WEBP"),
        (b"RIFF\x10\0\0\0WAVE", None),
        (b"\x89PNG\n\x1a\n", None),
        (b"GIF88a", None),
        (b" \xff\xd8\xff", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
        (b"", None),
    ],
)
def test_pictures_are_told_by_their_first_bytes(head: bytes, found: str | None) -> None:
    assert picture_format(head) == found


@pytest.mark.parametrize(
    "head",
    [
        b"BM\x36\0",
        b"II*\0",
        b"MM\0*",
        b"\0\0\1\0\1\0",
        b"8BPS\0\1",
        b"\xff\x0a\xfa",
        b"\0\0\0\x0cJXL \r\n",
        b"\0\0\0\x0cjP  \r\n",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x1cftypavif",
        b"\0\0\0\x18ftypmif1",
    ],
)
def test_pictures_that_are_not_shown_are_known_as_pictures(head: bytes) -> None:
    """So that the sentence for a photo of an iPhone is not "this is no picture"."""
    assert is_picture_of_another_format(head)
    assert picture_format(head) is None


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("a.pdf", "application/pdf"),
        ("photo.JPG", "image/jpeg"),
        ("archive.zip", "application/zip"),
        ("notes.txt", "text/plain"),
        ("page.html", "application/octet-stream"),
        ("page.xhtml", "application/octet-stream"),
        ("drawing.svg", "application/octet-stream"),
        ("feed.xml", "application/octet-stream"),
        ("feed.rss", "application/octet-stream"),
        ("run.js", "application/octet-stream"),
        ("run.mjs", "application/octet-stream"),
        ("archive.tar.gz", "application/gzip"),
        ("archive.tar.xz", "application/octet-stream"),
        ("data:text/html,<script>", "application/octet-stream"),
        ('data:image/x"><script>alert(1)</script>,.png', "image/png"),
        ("http://x/a.html", "application/octet-stream"),
        ("style.css", "application/octet-stream"),
        ("page.shtml", "application/octet-stream"),
        ("page.mht", "application/octet-stream"),
        ("no ending", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_a_download_has_no_type_that_a_browser_runs(name: str, type: str) -> None:
    assert type_of_download(name) == type
