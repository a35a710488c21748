"""Files of messages: uploaded in parts, taken by a message, served to the two and to no other user."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from conversations.models import Attachment, Conversation, StoredFile, Upload
from tests.conversations.files import announce, body_of, send_file, send_message, send_part, upload

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def alices(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def bobs(client_of: Callable[[User | None], Client], bob: User) -> Client:
    return client_of(bob)


@pytest.fixture
def mallorys(client_of: Callable[[User | None], Client], mallory: User) -> Client:
    return client_of(mallory)


def test_alice_sends_a_file_in_parts_and_bob_downloads_it(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    data = bytes(range(256)) * 100
    sent = upload(alices, data, part=10_000, name="notes.txt")
    assert sent == {
        "id": sent["id"],
        "kind": "file",
        "name": "notes.txt",
        "size": 25_600,
        "type": "text/plain",
    }
    answer = send_message(alices, chat, "see this", attachments=[sent["id"]])
    assert answer.status_code == 201
    assert answer.json()["message"]["attachments"] == [sent]
    history = bobs.get(f"/api/v1/conversations/{chat.room_name}/messages").json()["items"]
    assert history[0]["attachments"] == [sent]
    download = bobs.get(f"/files/{sent['id']}/notes.txt")
    assert body_of(download) == data
    assert download["Content-Disposition"] == 'attachment; filename="notes.txt"'
    assert not Upload.objects.exists()


def test_an_upload_continues_where_it_ended(alices: Client) -> None:
    id = announce(alices, 10).json()["id"]
    assert send_part(alices, id, 0, b"01234").status_code == 204
    head = alices.head(f"/api/v1/attachments/{id}")
    assert (head["Upload-Offset"], head["Upload-Length"]) == ("5", "10")
    wrong = send_part(alices, id, 3, b"34567")
    assert (wrong.status_code, wrong["Upload-Offset"], wrong.json()["offset"]) == (409, "5", 5)
    assert send_part(alices, id, 5, b"56789").json()["size"] == 10


def test_a_cancelled_upload_leaves_nothing(alices: Client) -> None:
    id = announce(alices, 10).json()["id"]
    send_part(alices, id, 0, b"01234")
    assert alices.delete(f"/api/v1/attachments/{id}").status_code == 204
    assert alices.head(f"/api/v1/attachments/{id}").status_code == 404
    assert not Upload.objects.exists()


@pytest.mark.parametrize("who", ["mallory", "visitor"])
def test_outsiders_get_no_file(
    who: str, alices: Client, mallorys: Client, client_of: Callable[[User | None], Client], chat: Conversation
) -> None:
    """docs/threats.md T43."""
    file = send_file(alices, chat)["attachments"][0]
    outsider = mallorys if who == "mallory" else client_of(None)
    for id in (file["id"], str(uuid4())):
        answer = outsider.get(f"/files/{id}/notes.txt")
        assert answer.status_code == 404


def test_an_upload_of_another_user_cannot_be_sent(
    alices: Client, mallorys: Client, mallory: User, alice: User, chat: Conversation
) -> None:
    """docs/threats.md T44."""
    stolen = upload(mallorys)["id"]
    for id in (stolen, str(uuid4()), "x"):
        answer = send_message(alices, chat, attachments=[id])
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_upload_is_used_once(alices: Client, chat: Conversation) -> None:
    id = upload(alices)["id"]
    assert send_message(alices, chat, attachments=[id]).status_code == 201
    assert send_message(alices, chat, attachments=[id]).status_code == 404


def test_a_deleted_message_takes_its_file_along(alices: Client, bobs: Client, chat: Conversation) -> None:
    message = send_file(alices, chat)
    file = message["attachments"][0]
    answer = alices.delete(f"/api/v1/conversations/{chat.room_name}/messages/{message['seq']}")
    assert answer.json()["message"]["attachments"] == []
    assert bobs.get(f"/files/{file['id']}/notes.txt").status_code == 404
    assert not Attachment.objects.exists()
    from tests.jobs.workers import run_due_jobs

    run_due_jobs()
    assert not StoredFile.objects.exists()


def test_a_forward_shares_the_stored_file(
    alices: Client, bobs: Client, chat: Conversation, carol: User, alice: User
) -> None:
    from tests.factories import make_conversation

    other = make_conversation(alice, carol)
    message = send_file(alices, chat)
    answer = alices.post(
        f"/api/v1/conversations/{other.room_name}/messages",
        {"id": str(uuid4()), "forward": {"room": chat.room_name, "seq": message["seq"]}},
        content_type="application/json",
    )
    copy: dict[str, Any] = answer.json()["message"]["attachments"][0]
    assert copy | {"id": None} == message["attachments"][0] | {"id": None}
    assert copy["id"] != message["attachments"][0]["id"]
    assert StoredFile.objects.count() == 1
    alices.delete(f"/api/v1/conversations/{chat.room_name}/messages/{message['seq']}")
    from tests.jobs.workers import run_due_jobs

    run_due_jobs()
    assert body_of(alices.get(f"/files/{copy['id']}/notes.txt")) == b"hello"
