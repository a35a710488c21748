"""Avatar upload: hostile input, a small square WebP without metadata as output."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.avatars import storage as avatar_storage
from accounts.avatars.storage import InvalidPicture, PictureBusy, PictureTooLarge, picture_make
from accounts.models import User
from accounts.pictures import sandbox
from tests.pictures.files import swapped_profile
from tests.pictures.worker import run_here

CHANGE, REMOVE = "/settings/profile/picture/", "/settings/profile/picture/remove/"
JSON = {"accept": "application/json"}
RUN_WORKER = sandbox.run_worker
RED, BLUE = (220, 20, 20), (20, 20, 220)


def halves(width: int = 600, height: int = 300, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(webp: bytes) -> Image.Image:
    return Image.open(io.BytesIO(webp))


def is_near(found: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 40 for one, other in zip(found, colour, strict=True))


@pytest.fixture(autouse=True)
def without_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of these tests look at what is made: tests/pictures has the process that makes it."""
    monkeypatch.setattr(sandbox, "run_worker", run_here)


@pytest.fixture
def in_a_process(without_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "run_worker", RUN_WORKER)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_supported_format_becomes_a_square(kind: str) -> None:
    made = opened(picture_make(encoded(halves(), kind)))
    assert (made.format, made.size, made.mode) == ("WEBP", (256, 256), "RGB")
    assert is_near(made.getpixel((5, 128)), RED)
    assert is_near(made.getpixel((250, 128)), BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_colour_mode_is_decoded(mode: str) -> None:
    assert opened(picture_make(encoded(halves(1200, 1200, mode)))).size == (256, 256)


def test_the_crop_is_applied() -> None:
    left = opened(picture_make(encoded(halves()), [0.0, 0.0, 0.8]))
    right = opened(picture_make(encoded(halves(3000, 1500), "JPEG"), [0.6, 0.2, 0.5]))
    assert is_near(left.getpixel((250, 128)), RED)
    assert is_near(right.getpixel((5, 128)), BLUE)


@pytest.mark.parametrize("crop", [[1.0, 1.0, 1.0], [0.99, 0.0, 0.01], [0.0, 1.0, 0.5]])
def test_a_crop_beyond_the_edge_is_moved_inside(crop: list[float]) -> None:
    assert opened(picture_make(encoded(halves()), crop)).size == (256, 256)


@pytest.mark.parametrize("size", [(600, 300), (3000, 1500)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(kind: str, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees: red is at the top
    made = opened(picture_make(encoded(halves(*size), kind, exif=exif), [0.0, 0.0, 1.0]))
    assert is_near(made.getpixel((128, 5)), RED)
    assert is_near(made.getpixel((128, 250)), RED), (
        "the upper half of a picture that is now in portrait format"
    )


def test_location_and_other_metadata_are_removed() -> None:
    """EXIF, XMP and colour profiles are removed (docs/threats.md T41)."""
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    exif[0x010F] = "canary-maker"
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encoded(halves(), kind, exif=exif)
        assert b"canary-maker" in data
        made = picture_make(data)
        assert dict(opened(made).getexif()) == {}
        assert b"canary" not in made
        assert not {b"EXIF", b"XMP ", b"ICCP"} & {made[at : at + 4] for at in range(len(made))}


def test_colours_are_converted_before_the_profile_is_removed() -> None:
    for kind, mode in (("JPEG", "RGB"), ("PNG", "P"), ("WEBP", "RGB")):
        data = encoded(halves(1_200, 1_200, mode), kind, icc_profile=swapped_profile())
        red, green, _ = opened(picture_make(data)).getpixel((5, 128))
        assert green > red, "the profile says that red and green are swapped"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
OTHERS: dict[str, bytes] = {
    "nothing": b"",
    "text": b"I am no picture",
    "svg with a script": SVG,
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif": encoded(halves(), "GIF"),
    "gif that is a script, too": b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)",
    "bmp": encoded(halves(), "BMP"),
    "tiff": encoded(halves(), "TIFF"),
    "postscript": encoded(halves(), "EPS"),
    "pdf": encoded(halves(), "PDF"),
    "icon": encoded(halves(), "ICO"),
    "half a picture": encoded(halves())[:200],
    "a broken picture": encoded(halves())[:60] + b"\xff" * 400,
    "only the head of a jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\0" * 50,
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_is_not_a_picture_is_rejected(name: str) -> None:
    """Judged by content, not by file name or type (docs/threats.md T39)."""
    with pytest.raises(InvalidPicture):
        picture_make(OTHERS[name])


def png_that_claims(width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(count >> 20)) + packer.flush()


BOMBS: dict[str, Callable[[], bytes]] = {
    "four hundred megapixels in a few kilobytes": lambda: png_that_claims(20_000, 20_000, zeros(64 << 20)),
    "a line as long as the sky": lambda: png_that_claims(0x7FFFFFFF, 1),
    "just too many points": lambda: png_that_claims(8_000, 5_001),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_decompression_bomb_is_rejected_by_its_header(name: str) -> None:
    """Rejected by the size in its header, before decoding (docs/threats.md T40)."""
    with pytest.raises(PictureTooLarge):
        picture_make(BOMBS[name]())


def test_the_largest_allowed_picture_is_accepted(in_a_process: None) -> None:
    flat = Image.new("RGBA", (8_000, 5_000), (*RED, 255))
    assert opened(picture_make(encoded(flat, compress_level=1))).size == (256, 256)


def test_more_than_eight_megabytes_are_rejected_without_decoding() -> None:
    with pytest.raises(PictureTooLarge):
        picture_make(b"x" * (8 * 1024 * 1024 + 1))


def test_a_worker_that_hangs_is_killed(
    in_a_process: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass")
    monkeypatch.setattr(sandbox, "WORKER", endless)
    monkeypatch.setattr(sandbox, "WORKER_TIMEOUT_SECONDS", 0.5)
    with pytest.raises(PictureBusy):
        picture_make(encoded(halves()))


def test_a_compromised_decoder_finds_no_keys(
    in_a_process: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nosy = tmp_path / "nosy.py"
    nosy.write_text(
        "import json, os, sys\n"
        "found = [sorted(os.environ), sys.path]\n"
        "said = b'RIFF    WEBP' + repr(found).encode()\n"
        "os.write(json.loads(sys.argv[1])['outputs']['square'], said)\n"
        "print('{}')"
    )
    monkeypatch.setattr(sandbox, "WORKER", nosy)
    monkeypatch.setenv("SECRET_KEY", "canary")
    found = picture_make(encoded(halves())).decode()
    assert found[12:].startswith("[[")
    assert "SECRET" not in found
    assert f"'{Path(sandbox.__file__).parents[2]}'" not in found


@pytest.mark.parametrize("said", [b"", b"<html><script>alert(1)</script>", b"RIFF    WEBP" + bytes(300_000)])
def test_what_a_compromised_decoder_writes_is_no_picture(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/threats.md T40."""

    def says(source: int, outputs: dict[str, int], **job: Any) -> dict[str, Any]:
        os.write(outputs["square"], said)
        return {}

    monkeypatch.setattr(sandbox, "run_worker", says)
    with pytest.raises(InvalidPicture):
        picture_make(encoded(halves()))


# Views


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media" / "pictures"


@pytest.fixture
def browser(client: Client, alice: User, media: Path) -> Client:
    client.force_login(alice)
    return client


def put_up(browser: Client, data: bytes = b"", crop: str = "", **options: Any) -> Any:
    file = SimpleUploadedFile("../../etc/passwd.svg", data or encoded(halves()), content_type="text/html")
    return browser.post(CHANGE, {"picture": file, "crop": crop}, **options)


def address_of(user: User) -> str:
    user.refresh_from_db()
    return avatar_storage.picture_url(user.picture)


def test_alice_uploads_a_picture_and_anyone_with_its_url_sees_it(
    in_a_process: None, browser: Client, alice: User, media: Path
) -> None:
    assert put_up(browser)["Location"] == "/settings/profile/"
    address = address_of(alice)
    assert f'src="{address}"' in browser.get("/settings/profile/").text
    answer = Client().get(address)
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/webp", "nosniff")
    assert "immutable" in answer["Cache-Control"]
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert opened(answer.content).size == (256, 256)
    assert [path.suffix for path in media.iterdir()] == [".webp"]


def test_a_new_picture_has_a_new_url_and_the_old_file_is_deleted(
    browser: Client, alice: User, media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    put_up(browser)
    before = address_of(alice)
    with django_capture_on_commit_callbacks(execute=True):
        put_up(browser)
    assert address_of(alice) != before
    assert Client().get(before).status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(REMOVE)["Location"] == "/settings/profile/"
    assert address_of(alice) == ""
    assert list(media.iterdir()) == []
    assert browser.post(REMOVE).status_code == 303, "a repeated request is no error"


@pytest.mark.parametrize(
    "crop",
    [
        "nonsense",
        "nan nan nan",
        "0 0",
        "0 0 0",
        "-1 0 1",
        "0 0 9e999",
        "1e400 0 1",
        "0.5 0.5 0.5 0.5",
        "0.2 0.1 0.5",
    ],
)
def test_any_crop_value_results_in_a_picture(browser: Client, alice: User, crop: str) -> None:
    assert put_up(browser, crop=crop).status_code == 303
    assert address_of(alice)


@pytest.mark.parametrize("data", [SVG, b"x" * 100, OTHERS["gif"]], ids=["svg", "text", "gif"])
def test_an_invalid_file_gets_a_form_error(browser: Client, alice: User, data: bytes) -> None:
    answer = put_up(browser, data)
    assert answer.status_code == 422
    assert "We can’t read this picture. Choose a JPEG, PNG or WebP." in answer.text
    assert answer.text.index("<title>Error:") > 0
    assert put_up(browser, data, headers=JSON).json() == {
        "errors": {"picture": ["We can’t read this picture. Choose a JPEG, PNG or WebP."]}
    }
    assert address_of(alice) == ""


def test_without_a_file_the_error_says_what_to_do(browser: Client) -> None:
    answer = browser.post(CHANGE)
    assert (answer.status_code, "Choose a picture first." in answer.text) == (422, True)


def test_a_full_disk_changes_nothing(
    browser: Client, alice: User, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_up(browser)
    before = address_of(alice)

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    answer = put_up(browser)
    assert answer.status_code == 503
    assert address_of(alice) == before
    assert len(list(media.iterdir())) == 1


def test_uploads_are_rate_limited(browser: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"picture": "2/h/user"}
    answers = [put_up(browser) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert "Too many pictures. Wait 1 hour." in answers[-1].content.decode()


@pytest.mark.parametrize(
    "name", ["x", "../../../etc/passwd", "a" * 27, "A" * 26, "a" * 26, "..%2f..%2fsecret"]
)
def test_mallory_reads_no_other_file(client: Client, db: None, media: Path, name: str) -> None:
    assert client.get(f"/media/pictures/{name}.webp").status_code == 404


def test_visitors_cannot_upload(client: Client, db: None, media: Path) -> None:
    assert put_up(client).status_code == 302
    assert client.post(REMOVE).status_code == 302
    assert not media.exists()


def test_the_picture_is_part_of_the_user_in_the_api(browser: Client, alice: User) -> None:
    assert browser.get("/api/v1/me").json()["avatar"] is None
    put_up(browser)
    assert browser.get("/api/v1/me").json()["avatar"] == address_of(alice)
