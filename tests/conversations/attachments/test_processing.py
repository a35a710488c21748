"""Processing of an uploaded file: kinds, reasons, and the files that it leaves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from accounts.pictures import sandbox
from conversations.attachments.processing import (
    FileRejected,
    Processed,
    process,
    type_of_picture,
    variant_path,
)
from conversations.exceptions import Busy, StorageFull
from tests.conversations.attachments.test_kinds import CHROME, SAFARI, ebml
from tests.pictures.files import encoded, halves, moving, png_that_claims

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PHOTO = encoded(halves(), "JPEG")


def processed(folder: Path, data: bytes, kind: str, name: str = "") -> Processed:
    path = folder / "key.part"
    path.write_bytes(data)
    return process(path, kind, name=name)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_picture_has_three_variants_beside_it(tmp_path: Path) -> None:
    made = processed(tmp_path, PHOTO, "picture")
    assert (made.type, made.kind, made.width, made.height) == ("image/jpeg", "picture", 60, 30)
    assert made.seconds is None
    assert made.placeholder.startswith("data:image/webp;base64,")
    assert set(made.variants) == {"file", "display", "thumb"}
    assert [type_of_picture(made.variants[name]) for name in ("file", "display", "thumb")] == [
        "image/jpeg",
        "image/webp",
        "image/webp",
    ]
    for name, path in made.variants.items():
        assert path == variant_path(tmp_path / "key.part", name)
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "key.part").read_bytes() == PHOTO, "the upload itself is not touched"


@pytest.mark.parametrize(
    ("kind", "data", "type"),
    [
        ("voice", CHROME, "audio/webm"),
        ("voice", SAFARI, "audio/mp4"),
        ("video", CHROME, "video/webm"),
        ("video", SAFARI, "video/mp4"),
    ],
)
def test_sound_and_film_are_not_decoded(
    kind: str, data: bytes, type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "WORKER", Path("/nonexistent"))
    made = processed(tmp_path, data, kind)
    assert (made.type, made.kind, made.variants) == (type, kind, {})
    assert left(tmp_path) == ["key.part"]


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    made = processed(tmp_path, PHOTO, "file", "photo.jpg")
    assert (made.type, made.kind, made.variants, made.width) == ("image/jpeg", "file", {}, None)
    assert processed(tmp_path, SVG, "file", "drawing.svg").type == "application/octet-stream"
    assert processed(tmp_path, b"", "file", "empty").type == "application/octet-stream"


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "nothing": ("picture", b"", "not_a_picture"),
    "text": ("picture", b"I am no picture", "not_a_picture"),
    "svg with a script": ("picture", SVG, "not_a_picture"),
    "page": ("picture", b"<!doctype html><img src=x onerror=alert(1)>", "not_a_picture"),
    "script": ("picture", b"GIF=1;alert(1)", "not_a_picture"),
    "gif and script": ("picture", b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)", "mismatch"),
    "photo and archive": ("picture", PHOTO + b"PK\3\4" + b"<html>", "mismatch"),
    "bmp": ("picture", encoded(halves(), "BMP"), "unsupported"),
    "tiff": ("picture", encoded(halves(), "TIFF"), "unsupported"),
    "heic": ("picture", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "unsupported"),
    "avif": ("picture", b"\0\0\0\x1cftypavif", "unsupported"),
    "video as a picture": ("picture", SAFARI, "mismatch"),
    "sound as a picture": ("picture", CHROME, "mismatch"),
    "cut photo": ("picture", PHOTO[:-200], "damaged"),
    "cut gif": ("picture", moving("GIF")[:-30], "damaged"),
    "bomb": ("picture", png_that_claims(20_000, 20_000), "too_many_pixels"),
    "many frames": ("picture", moving("WEBP", 201, (2, 2)), "too_many_frames"),
    "page as voice": ("voice", b"<html>", "mismatch"),
    "photo as voice": ("voice", PHOTO, "mismatch"),
    "nothing as voice": ("voice", b"", "mismatch"),
    "ogg": ("voice", b"OggS\0\2", "mismatch"),
    "matroska": ("video", ebml(b"matroska"), "unsupported"),
    "quicktime": ("video", b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "unsupported"),
    "page as video": ("video", b"<html>webm", "mismatch"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_not_what_it_says_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    """docs/threats.md T39 and T40."""
    kind, data, reason = REFUSED[name]
    with pytest.raises(FileRejected) as rejected:
        processed(tmp_path, data, kind)
    assert rejected.value.reason == reason
    assert left(tmp_path) == ["key.part"], "nothing is left behind but the upload"


def test_what_a_crash_left_behind_is_written_over(tmp_path: Path) -> None:
    for name in ("file", "display", "thumb"):
        (tmp_path / f"key.part.{name}").write_bytes(b"half of it" * 10_000)
    made = processed(tmp_path, PHOTO, "picture")
    assert all(path.stat().st_size < 5_000 for path in made.variants.values())


def test_a_link_in_place_of_a_variant_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"precious")
    (tmp_path / "key.part.display").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic"):
        processed(tmp_path, PHOTO, "picture")
    assert (tmp_path / "other").read_bytes() == b"precious"


TRUE = {"width": 60, "height": 30, "placeholder": f"data:image/webp;base64,{'A' * 40}"}
UNTRUE: dict[str, dict[str, Any]] = {
    "no width": {"width": None},
    "a width in words": {"width": "60"},
    "no edge": {"height": 0},
    "an edge that no column holds": {"width": 10**30},
    "an infinite edge": {"width": float("inf")},
    "truth as an edge": {"width": True},
    "a placeholder from elsewhere": {"placeholder": "https://evil.example/beacon.webp"},
    "a script as a placeholder": {"placeholder": "data:text/html;base64,PHNjcmlwdD4="},
    "a placeholder with more behind it": {"placeholder": f"{TRUE['placeholder']}') url(//evil.example"},
    "a list as a placeholder": {"placeholder": [TRUE["placeholder"]]},
    "a page as the picture": {"display": b"<html><script>alert(1)</script>"},
    "an empty thumbnail": {"thumb": b""},
    "a download of another kind": {"file": b"%PDF-1.7"},
    "nothing at all": dict.fromkeys(TRUE),
}


@pytest.mark.parametrize("name", UNTRUE)
def test_what_a_decoder_that_was_taken_over_says_is_judged_like_any_input(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it reaches a row, a page or a log line (docs/threats.md T40)."""
    webp = encoded(halves(), "WEBP")

    def answers(told: dict[str, Any]) -> None:
        def says(source: int, outputs: dict[str, int], **job: Any) -> dict[str, Any]:
            for variant, data in {"file": PHOTO, "display": webp, "thumb": webp, **told}.items():
                if variant in outputs:
                    os.write(outputs[variant], data)
            return {**TRUE, **told}

        monkeypatch.setattr(sandbox, "run_worker", says)

    answers({"type": "text/html"})
    assert processed(tmp_path, PHOTO, "picture").type == "image/jpeg", "the type is that of the upload"
    answers(UNTRUE[name])
    with pytest.raises(FileRejected) as rejected:
        processed(tmp_path, PHOTO, "picture")
    assert rejected.value.reason == "damaged"
    assert left(tmp_path) == ["key.part"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (sandbox.WorkerBusy(), Busy),
        (OSError(28, "No space left on device"), StorageFull),
        (sandbox.PictureRejected("too_slow"), FileRejected),
    ],
)
def test_what_the_worker_reports_becomes_a_refusal_and_leaves_no_file(
    error: Exception, expected: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **job: Any) -> None:
        raise error

    monkeypatch.setattr(sandbox, "run_worker", fails)
    with pytest.raises(expected):
        processed(tmp_path, PHOTO, "picture")
    assert left(tmp_path) == ["key.part"]
