"""Uploads over the API: announced, sent in parts or whole, continued, refused, cancelled."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.pictures import sandbox
from conversations.api.sentences import AS_FILE
from conversations.attachments import parts, processing
from conversations.attachments.processing import FileRejected, Processed
from conversations.exceptions import Busy, StorageFull
from conversations.models import Conversation, StoredFile, Upload
from tests.conversations.files import (
    API,
    announce,
    body_of,
    files_in,
    offset_at,
    send_file,
    send_message,
    send_part,
    upload,
    use_folder,
)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


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
def rejecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture is one."""

    def process(path: Path, kind: str, **options: Any) -> Processed:
        if kind != "file":
            raise FileRejected("not_a_picture")
        return Processed(type="application/octet-stream", kind="file")

    monkeypatch.setattr(processing, "process", process)


def problem(answer: HttpResponse) -> tuple[int, str]:
    """Status and code; each refusal also says what is wrong in a sentence."""
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].endswith("."), answer.content
    return answer.status_code, answer.json()["code"]


# --- Announcing ---


def test_an_announced_file_is_told_where_to_begin(alices: Client) -> None:
    id = str(uuid4())
    answer = announce(alices, 3_000_000, id=id)
    assert (answer.status_code, answer.json()) == (201, {"id": id, "offset": 0, "part_bytes": 1_048_576})


def test_announcing_again_tells_how_far_it_has_come(alices: Client) -> None:
    id = str(uuid4())
    announce(alices, 10, id=id)
    send_part(alices, id, 0, b"01234")
    again = announce(alices, 10, id=id)
    assert (again.status_code, again.json()["offset"]) == (200, 5)
    assert "attachment" not in again.json()
    file = send_part(alices, id, 5, b"56789").json()
    again = announce(alices, 10, id=id)
    assert (again.status_code, again.json()["offset"], again.json()["attachment"]) == (200, 10, file)
    assert Upload.objects.count() == StoredFile.objects.count() == 1


@pytest.mark.parametrize("other", [{"size": 11}, {"name": "other.txt"}, {"kind": "voice"}])
def test_an_id_belongs_to_one_file(alices: Client, other: dict[str, Any]) -> None:
    id = str(uuid4())
    announce(alices, 10, id=id)
    assert problem(announce(alices, **{"size": 10, "id": id} | other)) == (409, "conflict")


def test_an_id_of_another_user_or_of_a_sent_file_cannot_be_announced(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    id = str(uuid4())
    announce(alices, 10, id=id)
    assert problem(announce(bobs, 10, id=id)) == (409, "conflict")
    sent = send_file(alices, chat)["id"]
    for client in (alices, bobs):
        assert problem(announce(client, 5, id=sent)) == (409, "conflict")


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "x"},
        {"id": None},
        {"name": None},
        {"name": "x" * 5_000},
        {"size": -1},
        {"size": 1.5},
        {"size": "10"},
        {"size": True},
        {"kind": "program"},
        {"kind": None},
        {"seconds": -1},
        {"seconds": "long"},
        {"peaks": [1] * 65},
        {"peaks": ["loud"]},
        {"owner": "alice"},
    ],
)
def test_a_malformed_announcement_is_refused(alices: Client, fields: dict[str, Any]) -> None:
    refused = announce(alices, **{"size": 10} | fields)
    assert problem(refused) == (422, "bad_frame")
    (wrong,) = fields
    assert (wrong in refused.json()["detail"]) is (wrong != "owner")
    assert not Upload.objects.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"size": NaN}', '{"id": 1, "id": 2}', "null"])
def test_what_is_no_json_object_is_refused(alices: Client, text: str) -> None:
    answer = alices.post(f"{API}/attachments", text, content_type="application/json")
    assert problem(answer) == (422, "bad_frame")


def test_a_name_that_cannot_be_stored_is_refused(alices: Client) -> None:
    answer = alices.post(
        f"{API}/attachments",
        json.dumps({"id": str(uuid4()), "name": "\ud800", "size": 1, "kind": "file"}),
        content_type="application/json",
    )
    assert answer.status_code == 422


def test_a_file_above_the_limit_is_refused_before_a_byte_of_it(alices: Client, settings: Any) -> None:
    assert announce(alices, settings.ATTACHMENT_BYTES).status_code == 201
    assert problem(announce(alices, settings.ATTACHMENT_BYTES + 1)) == (413, "too_large")
    assert problem(announce(alices, 10**30)) == (413, "too_large")


def test_three_hundred_uploads_an_hour(alices: Client, settings: Any) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = settings.LIMIT_NUMBERS | {"uploads_an_hour": 3}
    ids = [announce(alices, 1).json()["id"] for _ in range(3)]
    refused = announce(alices, 1)
    assert problem(refused) == (429, "rate_limited")
    assert int(refused["Retry-After"]) > 3_000
    # What is announced already goes on.
    assert announce(alices, 1, id=ids[0]).status_code == 200
    assert send_part(alices, ids[0], 0, b"x").status_code == 200


def test_repeats_and_refusals_do_not_count_as_uploads(alices: Client, settings: Any) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = settings.LIMIT_NUMBERS | {"uploads_an_hour": 3}
    id = str(uuid4())
    for _ in range(6):
        assert announce(alices, 10, id=id).status_code in {200, 201}
        assert announce(alices, 10**12).status_code == 413
    assert [announce(alices, 1).status_code for _ in range(3)] == [201, 201, 429]


def test_what_the_processing_refuses_counts_as_an_upload(
    alices: Client, settings: Any, rejecting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/threats.md T40: it may have taken seconds."""
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = settings.LIMIT_NUMBERS | {"uploads_an_hour": 3}
    with monkeypatch.context() as patched:
        patched.setattr(processing, "process", lambda path, kind, **options: Processed("video/webm", kind))
        video = upload(alices, kind="video")["id"]
    still = alices.put(f"{API}/attachments/{video}/still", b"bomb", content_type="image/png")
    assert problem(still) == (422, "invalid_file")
    assert problem(whole(alices, b"bomb", kind="picture")) == (422, "invalid_file")
    assert problem(whole(alices, b"bomb", kind="picture")) == (429, "rate_limited")
    still = alices.put(f"{API}/attachments/{video}/still", b"bomb", content_type="image/png")
    assert problem(still) == (429, "rate_limited")


def test_the_files_of_a_user_have_a_limit_together(
    alices: Client, bobs: Client, settings: Any, chat: Conversation
) -> None:
    settings.LIMITS = True
    settings.ATTACHMENT_BYTES_A_PERSON = 100
    send_file(alices, chat, b"x" * 40)
    upload(alices, b"x" * 30)
    announced = announce(alices, 30).json()["id"]
    refused = announce(alices, 1)
    assert problem(refused) == (503, "storage_full")
    assert "Retry-After" in refused
    assert announce(bobs, 100).status_code == 201
    alices.delete(f"{API}/attachments/{announced}")
    assert announce(alices, 30).status_code == 201


# --- Parts ---


def test_a_part_at_another_place_is_told_the_right_one(alices: Client) -> None:
    id = announce(alices, 10).json()["id"]
    for wrong in (1, 5, 10, 11, 10**14):
        answer = send_part(alices, id, wrong, b"x")
        assert problem(answer) == (409, "conflict")
        assert (answer["Upload-Offset"], answer.json()["offset"]) == ("0", 0)
    send_part(alices, id, 0, b"01234")
    assert send_part(alices, id, 0, b"01234")["Upload-Offset"] == "5"
    assert send_part(alices, id, 5, b"56789").status_code == 200
    assert send_part(alices, id, 5, b"56789")["Upload-Offset"] == "10"


@pytest.mark.parametrize("offset", ["", "-1", "x", "1.5", "١", "9" * 16, "0x1"])
def test_an_offset_that_is_no_number_is_refused(alices: Client, offset: str) -> None:
    id = announce(alices, 10).json()["id"]
    assert problem(send_part(alices, id, offset, b"x")) == (422, "bad_frame")


def test_a_size_that_lies_is_noticed(alices: Client, folder: Path) -> None:
    id = announce(alices, 10).json()["id"]
    assert problem(send_part(alices, id, 0, b"x" * 11)) == (413, "too_large")
    assert offset_at(alices, id) == 0
    send_part(alices, id, 0, b"x" * 9)
    assert problem(send_part(alices, id, 9, b"xx")) == (413, "too_large")
    assert (offset_at(alices, id), StoredFile.objects.count()) == (9, 0)


def test_a_part_above_the_limit_is_refused(alices: Client, settings: Any) -> None:
    settings.ATTACHMENT_PART_BYTES = 1_000
    id = announce(alices, 5_000).json()["id"]
    assert problem(send_part(alices, id, 0, b"x" * 1_001)) == (413, "too_large")
    assert offset_at(alices, id) == 0
    assert send_part(alices, id, 0, b"x" * 1_000)["Upload-Offset"] == "1000"


@pytest.mark.parametrize("type", ["application/json", "application/octet-stream", "text/plain", ""])
def test_a_part_of_another_type_is_refused(alices: Client, type: str) -> None:
    id = announce(alices, 10).json()["id"]
    refused = send_part(alices, id, 0, b"01234", content_type=type)
    assert problem(refused) == (415, "bad_frame")
    assert "application/offset+octet-stream" in refused.json()["detail"]


def test_an_empty_file_is_complete_with_an_empty_part(alices: Client, chat: Conversation) -> None:
    assert upload(alices, b"")["size"] == 0


def test_the_last_answer_can_be_asked_for_again(alices: Client, folder: Path) -> None:
    """The connection was lost after the last part arrived. No question leaves an empty file behind."""
    id = announce(alices, 5).json()["id"]
    first = send_part(alices, id, 0, b"hello")
    again = send_part(alices, id, 5, b"")
    assert (again.status_code, again.json()) == (200, first.json())
    assert problem(send_part(alices, id, 0, b"hello")) == (409, "conflict")
    assert StoredFile.objects.count() == len(files_in(folder)) == 1


def test_others_can_neither_see_nor_touch_an_upload(
    alices: Client, bobs: Client, client_of: Callable[[User | None], Client]
) -> None:
    """docs/threats.md T44: as if it were not there."""
    id = announce(alices, 10).json()["id"]
    send_part(alices, id, 0, b"01234")
    unknown = str(uuid4())
    for client in (bobs, client_of(None)):
        for method in ("head", "delete"):
            answers = [getattr(client, method)(f"{API}/attachments/{each}") for each in (id, unknown)]
            assert answers[0].status_code in {401, 404}
            assert answers[0].content == answers[1].content
        parts = [send_part(client, each, 5, b"56789") for each in (id, unknown)]
        assert parts[0].status_code in {401, 404}
        assert parts[0].content == parts[1].content
    assert offset_at(alices, id) == 5


def test_a_cancelled_upload_leaves_nothing(alices: Client, folder: Path) -> None:
    id = announce(alices, 10).json()["id"]
    send_part(alices, id, 0, b"01234")
    assert len(files_in(folder)) == 1
    answer = alices.delete(f"{API}/attachments/{id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (files_in(folder), Upload.objects.count()) == ([], 0)
    for answer in (alices.delete(f"{API}/attachments/{id}"), send_part(alices, id, 5, b"56789")):
        assert problem(answer) == (404, "not_found")
    assert files_in(folder) == []


# --- Not what it says ---


def test_a_file_that_is_no_picture_can_still_be_sent_as_a_file(
    alices: Client, chat: Conversation, rejecting: None
) -> None:
    id = announce(alices, 5, kind="picture", name="cat.png").json()["id"]
    for answer in (send_part(alices, id, 0, b"hello"), send_part(alices, id, 5, b"")):
        assert problem(answer) == (422, "invalid_file")
        assert answer.json()["reason"] == "not_a_picture"
        assert "file" in answer.json()["detail"]
    assert send_message(alices, chat, attachments=[id]).status_code == 404
    assert announce(alices, 5, id=id, kind="picture", name="cat.png").json()["offset"] == 5
    again = announce(alices, 5, id=id, kind="file", name="cat.png")
    assert (again.status_code, again.json()["offset"]) == (200, 5)
    assert send_part(alices, id, 5, b"").json()["kind"] == "file"
    assert send_message(alices, chat, attachments=[id]).status_code == 201


@pytest.mark.parametrize("reason", sorted(sandbox.REASONS | {"infected", "of a later version"}))
def test_a_refused_file_is_told_why(alices: Client, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    def process(path: Path, kind: str, **options: Any) -> Processed:
        raise FileRejected(reason)

    monkeypatch.setattr(processing, "process", process)
    id = announce(alices, 5, kind="picture").json()["id"]
    refused = send_part(alices, id, 0, b"hello")
    assert problem(refused) == (422, "invalid_file")
    assert ("with the kind file" in refused.json()["detail"]) is (reason != "infected")
    assert (refused.json()["detail"] == AS_FILE.strip()) is (reason == "of a later version")


def test_a_busy_or_full_server_says_what_to_do(alices: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """And that a part can be sent again as it is."""
    id = announce(alices, 10).json()["id"]
    for refusal, code, word in ((Busy(), "busy", "again"), (StorageFull(), "storage_full", "disk")):

        def opened(key: str, refusal: Exception = refusal, **options: Any) -> None:
            raise refusal

        with monkeypatch.context() as patched:
            patched.setattr(parts, "opened", opened)
            answer = send_part(alices, id, 0, b"01234")
        assert problem(answer) == (503, code)
        assert word in answer.json()["detail"]
        assert "Retry-After" in answer
    assert send_part(alices, id, 0, b"01234").status_code == 204


def test_peaks_and_seconds_are_kept_within_bounds(alices: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        processing, "process", lambda path, kind, **options: Processed(type="audio/webm", kind=kind)
    )
    voice = upload(alices, kind="voice", seconds=12.5, peaks=[-5, 0, 50, 100, 7_000])
    assert (voice["seconds"], voice["peaks"]) == (12.5, [0, 0, 50, 100, 100])
    assert upload(alices, kind="voice", seconds=10**8)["seconds"] == 86_400
    assert not {"seconds", "peaks"} & upload(alices, kind="picture", seconds=5, peaks=[1]).keys()


def test_a_picture_keeps_its_description(alices: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        processing, "process", lambda path, kind, **options: Processed(type="image/png", kind=kind)
    )
    id = str(uuid4())
    assert upload(alices, kind="picture", alt="A green\ndoor", id=id)["alt"] == "A green door"
    assert announce(alices, 5, kind="picture", alt="A green\ndoor", id=id).status_code == 200
    assert announce(alices, 5, kind="picture", alt="Another", id=id).status_code == 409
    assert "alt" not in upload(alices, kind="file", alt="A green door")
    assert announce(alices, 5, kind="picture", alt="x" * 201).status_code == 422


# --- In one request ---


def whole(client: Client, data: bytes, **fields: Any) -> HttpResponse:
    file = SimpleUploadedFile(fields.pop("name", "notes.txt"), data)
    return client.post(f"{API}/attachments", {"file": file, **fields})


def test_a_small_file_in_one_form(alices: Client, chat: Conversation, folder: Path) -> None:
    answer = whole(alices, b"hello")
    assert answer.status_code == 201
    file = answer.json()
    assert (file["name"], file["size"], file["kind"]) == ("notes.txt", 5, "file")
    assert send_message(alices, chat, attachments=[file["id"]]).status_code == 201


def test_the_same_form_again_stores_nothing_twice(alices: Client, folder: Path) -> None:
    id = str(uuid4())
    first, second = whole(alices, b"hello", id=id), whole(alices, b"hello", id=id)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(files_in(folder)) == 1


@pytest.mark.parametrize("fields", [{}, {"file": "no file"}, {"other": SimpleUploadedFile("x", b"x")}])
def test_a_form_without_a_file_is_refused(alices: Client, fields: dict[str, Any]) -> None:
    assert problem(alices.post(f"{API}/attachments", fields)) == (422, "bad_frame")


@pytest.mark.parametrize("fields", [{"id": "x"}, {"kind": "program"}])
def test_a_malformed_form_is_refused(alices: Client, fields: dict[str, Any]) -> None:
    assert problem(whole(alices, b"hello", **fields)) == (422, "bad_frame")


def test_a_large_file_does_not_fit_one_form(alices: Client, settings: Any, folder: Path) -> None:
    settings.ATTACHMENT_WHOLE_BYTES = 100
    assert whole(alices, b"x" * 100).status_code == 201
    assert problem(whole(alices, b"x" * 101)) == (413, "too_large")
    assert (len(files_in(folder)), Upload.objects.count()) == (1, 1)


def test_a_rejected_form_leaves_nothing(alices: Client, folder: Path, rejecting: None) -> None:
    assert problem(whole(alices, b"hello", kind="picture")) == (422, "invalid_file")
    assert (files_in(folder), Upload.objects.count(), StoredFile.objects.count()) == ([], 0, 0)


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded"])
def test_another_type_is_refused(alices: Client, type: str) -> None:
    assert alices.post(f"{API}/attachments", "x=1", content_type=type).status_code == 415


def test_every_change_needs_the_token_of_the_page(
    client_of: Callable[..., Client], alice: User, folder: Path
) -> None:
    """docs/threats.md T8."""
    strict = client_of(alice, enforce_csrf_checks=True)
    id = str(uuid4())
    for answer in (
        announce(strict, 10),
        whole(strict, b"hello"),
        send_part(strict, id, 0, b"x"),
        strict.delete(f"{API}/attachments/{id}"),
    ):
        assert problem(answer) == (403, "forbidden")
    assert (files_in(folder), Upload.objects.count()) == ([], 0)


def test_the_requests_of_a_file_cost_few_statements(
    alices: Client, bobs: Client, chat: Conversation, settings: Any
) -> None:
    """Two of each are the session and the user. Those of parts and downloads come many times for one file."""
    settings.LIMITS = True
    sent = upload(alices)["id"]
    send_message(alices, chat, attachments=[sent])
    id = announce(alices, 20).json()["id"]
    body_of(bobs.get(f"/files/{sent}/x"))

    def statements(request: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as found:
            request()
        return len(found)

    assert statements(lambda: send_part(alices, id, 0, b"0123456789")) == 4
    assert statements(lambda: offset_at(alices, id)) == 3
    assert statements(lambda: announce(alices, 20, id=id)) == 3
    assert statements(lambda: body_of(bobs.get(f"/files/{sent}/x", headers={"Range": "bytes=1-2"}))) == 3
    assert statements(lambda: send_part(alices, id, 10, b"0123456789")) <= 8
    assert statements(lambda: announce(alices, 20)) <= 13
