"""Files as they are served: to the two people only, never as a page, in ranges, by nginx where it is set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from conversations import throttling
from conversations.attachments import processing
from conversations.attachments.processing import FileRejected, Processed
from conversations.models import Conversation, Participant, StoredFile
from tests.conversations.files import (
    announce,
    body_of,
    delete,
    files_in,
    forward,
    send_file,
    send_files,
    upload,
    use_folder,
)
from tests.factories import make_conversation

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
WEBP = b"RIFF\x24\0\0\0WEBPVP8 " + bytes(28)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    return use_folder(settings, tmp_path / "attachments")


@pytest.fixture
def alices(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def bobs(client_of: Callable[[User | None], Client], bob: User) -> Client:
    return client_of(bob)


@pytest.fixture
def processed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture has a cleaned original and two variants; sound and video stay as they are."""
    types = {"voice": "audio/webm", "video": "video/mp4", "picture": "image/webp", "file": "text/html"}

    def process(path: Path, kind: str, **options: Any) -> Processed:
        variants = {}
        if kind == "picture":
            for which in ("file", "display", "thumb"):
                variants[which] = path.with_name(f"{path.name}.{which}")
                variants[which].write_bytes(WEBP + which.encode())
        if kind != "picture":
            return Processed(type=types[kind], kind=kind)
        placeholder = "data:image/webp;base64,AA=="
        return Processed(
            type=types[kind], kind=kind, width=30, height=20, placeholder=placeholder, variants=variants
        )

    monkeypatch.setattr(processing, "process", process)


def address(file: dict[str, Any], which: str = "") -> str:
    return f"/files/{file['id']}/{which or file['name']}"


# --- To whom ---


def test_both_people_read_the_file(alices: Client, bobs: Client, chat: Conversation) -> None:
    file = send_file(alices, chat, b"hello")
    for client in (alices, bobs):
        assert body_of(client.get(address(file))) == b"hello"


def visible(answer: HttpResponse) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.content, {k: v for k, v in answer.items() if k != "Set-Cookie"}


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "delete", "options"])
@pytest.mark.parametrize("which", ["notes.txt", "display", "thumb", "media"])
def test_for_others_it_is_not_there(
    alices: Client,
    client_of: Callable[[User | None], Client],
    mallory: User,
    alice: User,
    chat: Conversation,
    which: str,
    method: str,
) -> None:
    """docs/threats.md T43: byte for byte as an unknown one, also for a user who talks to one of the two."""
    make_conversation(mallory, alice)
    file = send_file(alices, chat)
    for client in (client_of(mallory), client_of(None)):
        real, unknown = (
            visible(getattr(client, method)(f"/files/{id}/{which}", headers={"Range": "bytes=0-1"}))
            for id in (file["id"], uuid4())
        )
        assert real == unknown
        assert real[0] == (404 if method in {"get", "head"} else 405)


@pytest.mark.parametrize("id", ["x", "1", "../../etc/passwd", "%00", "7C9E6679-7425-40DE-944B-E07FC1F90AE7"])
def test_what_is_no_id_is_not_found(alices: Client, id: str) -> None:
    assert alices.get(f"/files/{id}/notes.txt").status_code == 404


def test_after_a_deletion_it_is_gone_for_both(alices: Client, bobs: Client, chat: Conversation) -> None:
    file = send_file(alices, chat)
    delete(alices, chat, file["seq"])
    for client in (alices, bobs):
        assert client.get(address(file)).status_code == 404


def test_what_bob_deleted_for_himself_is_gone_for_him(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    file = send_file(alices, chat)
    delete(bobs, chat, file["seq"], scope="me")
    assert bobs.get(address(file)).status_code == 404
    assert body_of(alices.get(address(file))) == b"hello"


def test_a_chat_that_bob_cleared_shows_him_no_file(
    alices: Client, bobs: Client, chat: Conversation, bob: User
) -> None:
    file = send_file(alices, chat)
    Participant.objects.filter(conversation=chat, user=bob).update(cleared_seq=file["seq"])
    assert bobs.get(address(file)).status_code == 404
    assert alices.get(address(file)).status_code == 200


def test_a_suspended_user_reads_nothing(alices: Client, bobs: Client, chat: Conversation, bob: User) -> None:
    file = send_file(alices, chat)
    bob.is_active = False
    bob.save()
    assert bobs.get(address(file)).status_code == 404


def test_a_request_shows_no_file_until_it_is_accepted(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    """docs/threats.md T38."""
    file = send_file(alices, chat)
    Conversation.objects.update(state=Conversation.State.REQUEST)
    assert bobs.get(address(file)).status_code == 404


def test_an_upload_that_is_not_sent_is_not_served(alices: Client, chat: Conversation) -> None:
    assert alices.get(address(upload(alices))).status_code == 404


def test_the_forwarded_copy_of_a_deleted_message_stays(
    alices: Client, client_of: Callable[[User | None], Client], chat: Conversation, alice: User, carol: User
) -> None:
    other = make_conversation(alice, carol)
    file = send_file(alices, chat)
    copy = forward(alices, chat, file["seq"], to=other)["attachments"][0]
    carols = client_of(carol)
    assert carols.get(address(file)).status_code == 404
    delete(alices, chat, file["seq"])
    assert body_of(carols.get(address(copy))) == b"hello"


# --- How ---


def test_a_download_is_always_saved_and_never_kept(
    alices: Client, chat: Conversation, processed: None
) -> None:
    """docs/threats.md T39: a page with a script is a download like any other."""
    file = send_file(alices, chat, b"<script>alert(1)</script>", name="page.html")
    answer = alices.get(address(file))
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="page.html"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Cookie" in answer["Vary"]
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Content-Length"] == "25"


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: evil=1", "invoice\u202efdp.exe", 'quote".txt', "été.txt"])
def test_a_hostile_name_stays_in_its_header(alices: Client, chat: Conversation, name: str) -> None:
    """docs/threats.md T42."""
    file = send_file(alices, chat, name=name)
    answer = alices.get(f"/files/{file['id']}/whatever")
    assert answer["Content-Disposition"].isascii()
    assert "Set-Cookie" not in answer.headers
    assert "\u202e" not in file["name"]


def test_a_picture_has_variants_for_the_page(alices: Client, chat: Conversation, processed: None) -> None:
    file = send_file(alices, chat, b"raw picture with a place in it", kind="picture", name="cat.png")
    assert (file["width"], file["height"], file["type"]) == (30, 20, "image/webp")
    for which in ("display", "thumb"):
        answer = alices.get(address(file, which))
        assert body_of(answer) == WEBP + which.encode()
        assert answer["Content-Type"] == "image/webp"
        assert answer["Content-Disposition"] == f'inline; filename="{which}.webp"'
        assert answer["Cache-Control"] == "private, max-age=3600"
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    download = alices.get(address(file))
    # The cleaned one: the original is gone (docs/threats.md T41).
    assert body_of(download) == WEBP + b"file"
    assert download["Content-Length"] == str(file["size"])
    assert download["Content-Disposition"] == 'attachment; filename="cat.png"'
    assert alices.get(address(file, "media")).status_code == 404


@pytest.mark.parametrize(("kind", "type"), [("voice", "audio/webm"), ("video", "video/mp4")])
def test_sound_and_video_are_played(
    alices: Client, chat: Conversation, processed: None, kind: str, type: str
) -> None:
    file = send_file(alices, chat, b"x" * 1_000, kind=kind, name="take one")
    answer = alices.get(address(file, "media"), headers={"Range": "bytes=100-"})
    assert (answer.status_code, answer["Content-Type"]) == (206, type)
    assert answer["Content-Disposition"] == 'inline; filename="take one"'
    assert len(body_of(answer)) == 900
    assert alices.get(address(file, "thumb")).status_code == 404


@pytest.mark.parametrize("name", ["display", "thumb", "media"])
def test_a_file_may_have_the_name_of_a_variant(alices: Client, chat: Conversation, name: str) -> None:
    file = send_file(alices, chat, b"hello", name=name)
    answer = alices.get(address(file))
    assert body_of(answer) == b"hello"
    assert answer["Content-Disposition"].startswith("attachment")


# --- In part ---

DATA = bytes(range(256)) * 2_000


@pytest.fixture
def sent(alices: Client, chat: Conversation) -> dict[str, Any]:
    return send_file(alices, chat, DATA)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-300000", 1_000, 300_001),
        ("bytes=-7", -7, None),
        ("bytes=5-", 5, None),
    ],
)
def test_a_range_is_answered_with_its_bytes(
    bobs: Client, sent: dict[str, Any], asked: str, start: int, end: int | None
) -> None:
    answer = bobs.get(address(sent), headers={"Range": asked})
    expected = DATA[start:end]
    assert answer.status_code == 206
    assert body_of(answer) == expected
    assert answer["Content-Length"] == str(len(expected))
    first = start % len(DATA)
    assert answer["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=x", "lines=0-1"])
def test_other_ranges_get_the_whole_file(bobs: Client, sent: dict[str, Any], asked: str) -> None:
    answer = bobs.get(address(sent), headers={"Range": asked})
    assert (answer.status_code, body_of(answer)) == (200, DATA)


def test_a_range_behind_the_end_is_refused(bobs: Client, sent: dict[str, Any]) -> None:
    answer = bobs.get(address(sent), headers={"Range": f"bytes={len(DATA)}-"})
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(DATA)}")


def test_a_download_goes_on_only_with_the_same_file(
    alices: Client, bobs: Client, chat: Conversation, sent: dict[str, Any]
) -> None:
    tag = bobs.get(address(sent))["ETag"]
    other = bobs.get(address(send_file(alices, chat, DATA)))["ETag"]
    assert tag != other
    for given, status in (
        (tag, 206),
        (other, 200),
        ("Sat, 28 Nov 2026 10:00:00 GMT", 200),
        (f"W/{tag}", 200),
    ):
        answer = bobs.get(address(sent), headers={"Range": "bytes=10-19", "If-Range": given})
        assert answer.status_code == status
        assert body_of(answer) == (DATA[10:20] if status == 206 else DATA)


def test_an_id_that_is_used_again_never_passes_for_the_former_file(
    alices: Client, bobs: Client, chat: Conversation, folder: Path
) -> None:
    """docs/threats.md T43: after a deletion its id is free, and browsers have kept what was there."""
    former = send_file(alices, chat, b"first")
    tag = bobs.get(address(former))["ETag"]
    delete(alices, chat, former["seq"])
    again = send_file(alices, chat, b"other", id=former["id"])
    assert address(again) == address(former)
    for headers in ({"If-None-Match": tag}, {"Range": "bytes=1-", "If-Range": tag}):
        answer = bobs.get(address(again), headers=headers)
        assert (answer.status_code, body_of(answer)) == (200, b"other")


def test_a_forward_does_not_show_that_it_is_one(
    alices: Client, bobs: Client, chat: Conversation, alice: User, carol: User, settings: Any
) -> None:
    """Neither by a tag of the bytes that both share nor by their age."""
    other = make_conversation(alice, carol)
    sent = send_file(alices, chat, DATA)
    copy = forward(alices, chat, sent["seq"], to=other)["attachments"][0]
    for by_nginx in (False, True):
        settings.FILES_BY_NGINX = by_nginx
        first, second = alices.get(address(sent)), alices.get(address(copy))
        assert first["ETag"] != second["ETag"]
        assert "Last-Modified" not in first.headers


def test_head_tells_the_size_and_sends_nothing(bobs: Client, sent: dict[str, Any]) -> None:
    answer = bobs.head(address(sent), headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Length"] == str(len(DATA))
    assert answer["ETag"] == bobs.get(address(sent))["ETag"]


def test_what_a_browser_has_is_not_sent_again_but_the_right_is_checked(
    alices: Client, bobs: Client, chat: Conversation, sent: dict[str, Any]
) -> None:
    tag = bobs.get(address(sent))["ETag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = bobs.get(address(sent), headers={"If-None-Match": given})
        assert (answer.status_code, answer.content) == (304, b"")
    assert bobs.get(address(sent), headers={"If-None-Match": f'"other", {tag}x'}).status_code == 200
    assert "Content-Type" not in answer.headers
    delete(alices, chat, sent["seq"])
    assert bobs.get(address(sent), headers={"If-None-Match": tag}).status_code == 404


def test_an_empty_file_can_be_downloaded(alices: Client, chat: Conversation) -> None:
    file = send_file(alices, chat, b"")
    answer = alices.get(address(file), headers={"Range": "bytes=0-"})
    assert answer.status_code == 416
    answer = alices.get(address(file))
    assert (answer.status_code, body_of(answer), answer["Content-Length"]) == (200, b"", "0")


def test_bytes_that_are_missing_are_not_found(
    alices: Client, chat: Conversation, folder: Path, sent: dict[str, Any]
) -> None:
    for path in files_in(folder):
        path.unlink()
    assert alices.get(address(sent)).status_code == 404


def test_one_user_downloads_only_so_much_at_once(
    alices: Client, bobs: Client, chat: Conversation, sent: dict[str, Any], settings: Any, bob: User
) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = settings.LIMIT_NUMBERS | {"downloads_at_once": 2}
    with throttling.counted_download(bob.pk), throttling.counted_download(bob.pk):
        answer = bobs.get(address(sent))
        assert (answer.status_code, answer["Retry-After"]) == (429, "5")
        assert body_of(alices.get(address(sent))) == DATA
    assert body_of(bobs.get(address(sent))) == DATA
    assert not throttling.downloads


# --- Behind nginx ---


def test_nginx_is_told_which_file_after_the_check(
    alices: Client,
    client_of: Callable[[User | None], Client],
    mallory: User,
    chat: Conversation,
    settings: Any,
) -> None:
    settings.FILES_BY_NGINX = True
    file = send_file(alices, chat, b"hello")
    key = StoredFile.objects.get().key
    answer = alices.get(address(file))
    assert answer["X-Accel-Redirect"] == f"/entre-files/{key[:2]}/{key}"
    assert answer["Content-Disposition"] == 'attachment; filename="notes.txt"'
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer.content == b""
    assert alices.get(address(file), headers={"If-None-Match": answer["ETag"]}).status_code == 304
    refused = client_of(mallory).get(address(file))
    assert refused.status_code == 404
    assert "X-Accel-Redirect" not in refused.headers


# --- The still of a video ---


def put_still(client: Client, id: str, data: bytes = b"frame", type: str = "image/jpeg") -> HttpResponse:
    return client.put(f"/api/v1/attachments/{id}/still", data, content_type=type)


def test_a_video_gets_the_picture_that_its_sender_has_drawn(
    alices: Client, bobs: Client, chat: Conversation, processed: None, folder: Path
) -> None:
    video = upload(alices, b"x" * 500, kind="video", name="sea.mp4")
    assert "width" not in video
    with_still = put_still(alices, video["id"]).json()
    assert with_still == video | {"width": 30, "height": 20, "placeholder": "data:image/webp;base64,AA=="}
    assert put_still(alices, video["id"]).json() == with_still, "a repeat changes nothing"
    sent = send_files(alices, chat, video["id"])["attachments"][0]
    assert sent == with_still
    assert body_of(bobs.get(address(sent, "thumb"))) == WEBP + b"thumb"
    assert body_of(bobs.get(address(sent))) == b"x" * 500
    suffixes = sorted(path.name.partition(".")[2] for path in files_in(folder))
    assert suffixes == ["", "display", "thumb"]


def test_a_second_still_leaves_the_first(
    alices: Client, bobs: Client, chat: Conversation, processed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that takes the video while the second one is stored would tell a size of other bytes."""
    video = upload(alices, kind="video")
    first = put_still(alices, video["id"]).json()

    def process(path: Path, kind: str, **options: Any) -> Processed:
        other = path.with_name(f"{path.name}.thumb")
        other.write_bytes(WEBP + b"another")
        return Processed(type="image/webp", kind=kind, width=9, height=9, variants={"thumb": other})

    monkeypatch.setattr(processing, "process", process)
    assert put_still(alices, video["id"]).json() == first
    sent = send_files(alices, chat, video["id"])["attachments"][0]
    assert body_of(bobs.get(address(sent, "thumb"))) == WEBP + b"thumb"


def test_only_an_own_complete_video_that_is_not_sent_takes_a_still(
    alices: Client, bobs: Client, chat: Conversation, processed: None, folder: Path, settings: Any
) -> None:
    video = upload(alices, kind="video")["id"]
    assert put_still(bobs, video).status_code == 404
    assert put_still(alices, str(uuid4())).status_code == 404
    assert put_still(alices, upload(alices, kind="voice")["id"]).status_code == 409
    assert put_still(alices, announce(alices, 10, kind="video").json()["id"]).status_code == 409
    assert put_still(alices, video, type="image/svg+xml").status_code == 415
    settings.ATTACHMENT_PART_BYTES = 4
    assert put_still(alices, video).status_code == 413
    settings.ATTACHMENT_PART_BYTES = 100
    send_files(alices, chat, video)
    assert put_still(alices, video).status_code == 404
    assert not [path for path in files_in(folder) if path.name.endswith((".thumb", ".display"))]
    parts = [path for path in files_in(folder) if path.name.endswith(".part")]
    assert [path.stat().st_size for path in parts] == [0], "of the upload that has only been announced"


def test_a_still_that_is_no_picture_leaves_the_video_as_it_is(
    alices: Client, chat: Conversation, processed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = upload(alices, kind="video")

    def process(path: Path, kind: str, **options: Any) -> Processed:
        raise FileRejected("damaged")

    monkeypatch.setattr(processing, "process", process)
    answer = put_still(alices, video["id"])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_file")
    assert send_files(alices, chat, video["id"])["attachments"] == [video]
