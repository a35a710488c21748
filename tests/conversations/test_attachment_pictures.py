"""Pictures in messages: what alice sends with a place and a comment, bob sees without it (T41)."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.models import User
from accounts.pictures import permits, sandbox
from conversations.attachments.storage import attachment_storage, name_of
from conversations.models import Conversation, StoredFile
from tests.conversations.files import announce, body_of, send_file, send_part
from tests.pictures import files
from tests.pictures.files import encoded, halves

pytestmark = pytest.mark.django_db


@pytest.fixture
def alices(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def bobs(client_of: Callable[[User | None], Client], bob: User) -> Client:
    return client_of(bob)


def test_bob_gets_alices_photo_upright_and_without_what_it_tells(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    exif = files.turned_sideways()
    exif[0x010F] = "canary-maker"
    exif.get_ifd(files.GPS)[2] = (52.0, 31.0, 12.0)
    photo = encoded(halves(3_000, 1_000), "JPEG", exif=exif, comment=b"canary-comment") + b"canary-tail"
    sent = send_file(alices, chat, photo, name="IMG_1.jpg", kind="picture")
    assert (sent["kind"], sent["type"], sent["width"], sent["height"]) == (
        "picture",
        "image/jpeg",
        1_000,
        3_000,
    )
    assert sent["placeholder"].startswith("data:image/webp;base64,")
    sizes = {"IMG_1.jpg": (1_000, 3_000), "display": (683, 2_048), "thumb": (160, 480)}
    for address, size in sizes.items():
        answer = bobs.get(f"/files/{sent['id']}/{address}")
        data = body_of(answer)
        assert b"canary" not in data
        picture = Image.open(io.BytesIO(data))
        assert picture.size == size
        assert not dict(picture.getexif())
        assert answer["Content-Type"] == ("image/jpeg" if address == "IMG_1.jpg" else "image/webp")
        assert answer["X-Content-Type-Options"] == "nosniff"
    assert sent["size"] == len(body_of(bobs.get(f"/files/{sent['id']}/IMG_1.jpg")))


def test_alice_has_one_picture_processed_at_a_time_and_bob_does_not_wait_for_it(
    alices: Client, bobs: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/threats.md T40. What is only stored waits for nothing."""
    monkeypatch.setattr(permits, "PATIENCE_SECONDS", 0.01)
    photo = encoded(halves(), "JPEG")

    def sent(client: Client, kind: str) -> int:
        id = announce(client, len(photo), kind=kind).json()["id"]
        return send_part(client, id, 0, photo).status_code

    with sandbox.PERMITS.permit(alice.pk):
        assert [sent(alices, "picture"), sent(alices, "file"), sent(bobs, "picture")] == [503, 200, 200]
    assert sent(alices, "picture") == 200
    assert sandbox.PERMITS.places == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not_a_picture"),
        (files.png_that_claims(20_000, 20_000), "too_many_pixels"),
        (encoded(halves(), "JPEG")[:-300], "damaged"),
        (encoded(halves(), "PNG") + b"<html>", "mismatch"),
    ],
    ids=["svg", "bomb", "cut", "polyglot"],
)
def test_a_file_that_is_no_picture_is_refused_and_can_be_sent_as_a_file(
    data: bytes, reason: str, alices: Client, chat: Conversation
) -> None:
    """docs/threats.md T39 and T40."""
    id = announce(alices, len(data), name="photo.jpg", kind="picture").json()["id"]
    answer = send_part(alices, id, 0, data)
    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (
        422,
        "invalid_file",
        reason,
    )
    file = send_file(alices, chat, data, name="photo.jpg", kind="file")
    assert (file["kind"], "width" in file) == ("file", False)
    for variant in ("display", "thumb", "media"):
        assert alices.get(f"/files/{file['id']}/{variant}").status_code == 404
    download = alices.get(f"/files/{file['id']}/photo.jpg")
    assert download["Content-Disposition"].startswith("attachment")
    assert body_of(download) == data


def test_a_picture_is_cleaned_unless_its_sender_says_that_it_is_a_file(alices: Client) -> None:
    """docs/threats.md T41: a script that says nothing must not send the place of a photo."""
    photo = encoded(halves(), "JPEG", comment=b"canary")
    for fields, kind, kept in (({}, "picture", 0), ({"kind": "file"}, "file", 1)):
        file = SimpleUploadedFile("a.bin", photo, content_type="application/octet-stream")
        answer = alices.post("/api/v1/attachments", {"file": file, **fields})
        assert (answer.status_code, answer.json()["kind"]) == (201, kind)
        key = StoredFile.objects.latest("pk").key
        assert attachment_bytes(key).count(b"canary") == kept


def attachment_bytes(key: str) -> bytes:
    return b"".join(attachment_storage().read(name_of(key), 0, 1_000_000))
