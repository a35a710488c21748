"""Messages with files: what they take, show, share with a forward, and leave behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from conversations.jobs.file_removal import files_remove
from conversations.models import Attachment, Conversation, Message, StoredFile, Upload
from conversations.services.messages import message_send
from conversations.services.search_indexing import index_pending
from tests.conversations.files import (
    API,
    announce,
    body_of,
    delete,
    files_in,
    forward,
    send_file,
    send_files,
    send_message,
    send_part,
    upload,
    use_folder,
)
from tests.factories import make_conversation, make_message
from tests.jobs.workers import run_due_jobs

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
def other_chat(alice: User, carol: User) -> Conversation:
    return make_conversation(alice, carol)


# --- Sending ---


def test_alice_sends_a_file_in_parts_and_bob_downloads_it(
    alices: Client, bobs: Client, chat: Conversation, folder: Path
) -> None:
    data = bytes(range(256)) * 100
    sent = upload(alices, data, part=10_000, name="notes.txt")
    id = sent["id"]
    assert sent == {"id": id, "kind": "file", "name": "notes.txt", "size": 25_600, "type": "text/plain"}
    answer = send_message(alices, chat, "see this", attachments=[id])
    assert answer.status_code == 201
    assert answer.json()["message"]["attachments"] == [sent]
    (message,) = bobs.get(f"{API}/conversations/{chat.room_name}/messages").json()["items"]
    assert (message["body"], message["attachments"]) == ("see this", [sent])
    assert body_of(bobs.get(f"/files/{id}/notes.txt")) == data
    assert (Upload.objects.count(), len(files_in(folder))) == (0, 1)


def test_ten_files_keep_their_order(alices: Client, bobs: Client, chat: Conversation) -> None:
    ids = [upload(alices, b"x", name=f"{number}.txt")["id"] for number in range(10)][::-1]
    message = send_files(alices, chat, *ids)
    assert [each["id"] for each in message["attachments"]] == ids
    sync = bobs.post(f"{API}/sync", {"rooms": {chat.room_name: 0}}, content_type="application/json").json()
    assert [each["id"] for each in sync["pages"][0]["messages"][0]["attachments"]] == ids
    assert list(Attachment.objects.order_by("position").values_list("position", flat=True)) == [*range(10)]


@pytest.mark.parametrize("attachments", [["x"] * 11, "x", [1], None, [None]])
def test_what_is_no_short_list_of_ids_is_refused(
    alices: Client, chat: Conversation, attachments: Any
) -> None:
    assert send_message(alices, chat, "text", attachments=attachments).status_code == 422


def test_what_alice_cannot_attach_is_not_found_and_nothing_is_sent(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    """docs/threats.md T44: Bob's upload, an incomplete one, one that was used, an unknown one, one twice."""
    mine, used = upload(alices)["id"], send_file(alices, chat)["id"]
    begun = announce(alices, 10).json()["id"]
    send_part(alices, begun, 0, b"01234")
    for ids in (
        [upload(bobs)["id"]],
        [begun],
        [used],
        [str(uuid4())],
        ["x"],
        [""],
        [mine, mine],
        [mine, str(uuid4())],
        [mine.upper(), mine],
    ):
        answer = send_message(alices, chat, "text", attachments=ids)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), ids
    assert Message.objects.count() == 1
    assert send_message(alices, chat, attachments=[mine]).status_code == 201


def test_a_message_needs_a_text_or_a_file(alices: Client, chat: Conversation) -> None:
    assert send_message(alices, chat, "").status_code == 422
    assert send_message(alices, chat, "", attachments=[]).status_code == 422
    assert send_message(alices, chat, "", attachments=[upload(alices)["id"]]).status_code == 201


def test_a_repeat_gets_the_first_answer_and_other_files_are_a_conflict(
    alices: Client, chat: Conversation
) -> None:
    """docs/protocol.md P2."""
    id, files = str(uuid4()), [upload(alices)["id"], upload(alices)["id"]]
    first = send_message(alices, chat, "text", id=id, attachments=files)
    again = send_message(alices, chat, "text", id=id, attachments=files)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() | {"duplicate": True} == again.json()
    for others in ([], files[:1], files[::-1], [upload(alices)["id"]]):
        assert send_message(alices, chat, "text", id=id, attachments=others).status_code == 409
    delete(alices, chat, 1)
    assert send_message(alices, chat, "text", id=id, attachments=files).json()["duplicate"]


def test_a_stranger_can_send_no_file_before_they_are_accepted(alices: Client, chat: Conversation) -> None:
    """docs/threats.md T38."""
    id = upload(alices)["id"]
    Conversation.objects.update(state=Conversation.State.REQUEST)
    answer = send_message(alices, chat, "hello", attachments=[id])
    assert (answer.status_code, answer.json()["code"]) == (403, "cannot_deliver")
    assert send_message(alices, chat, "hello").status_code == 201


def statements(send: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as found:
        send()
    return len([each for each in found if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))])


def test_a_text_costs_no_statement_for_files_and_files_three_however_many(
    alices: Client, alice: User, chat: Conversation
) -> None:
    def send(*ids: str) -> int:
        return statements(
            lambda: message_send(
                user=alice, room=chat.room_name, id=uuid4(), body="hello", attachments=ids
            ).result(0)
        )

    ids = [upload(alices)["id"] for _ in range(11)]
    plain = send()
    assert plain == 6
    assert send(ids[0]) == plain + 3
    assert send(*ids[1:]) == plain + 3


def test_reading_messages_with_files_costs_no_statement_more(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    send_message(alices, chat, "hello")

    def read() -> object:
        return bobs.get(f"{API}/conversations/{chat.room_name}/messages")

    read()
    before = statements(read)
    for _ in range(3):
        send_file(alices, chat)
    assert statements(read) == before


def test_a_quote_says_what_kind_of_file_the_message_had(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    file = send_file(alices, chat)
    reply = send_message(bobs, chat, "nice", reply_to=file["seq"]).json()["message"]["reply"]
    assert (reply["excerpt"], reply["attached"]) == ("", "file")
    (_, seen) = alices.get(f"{API}/conversations/{chat.room_name}/messages").json()["items"]
    assert seen["reply"] == reply
    delete(alices, chat, file["seq"])
    (_, seen) = alices.get(f"{API}/conversations/{chat.room_name}/messages").json()["items"]
    assert "attached" not in seen["reply"]


def test_a_quote_has_the_picture_of_its_message_until_that_is_deleted(
    alices: Client, bobs: Client, chat: Conversation, alice: User
) -> None:
    id = str(uuid4())
    picture: dict[str, Any] = {"id": id, "kind": "picture", "name": "a.jpg", "size": 3, "type": "image/jpeg"}
    picture["placeholder"] = "data:image/webp;base64,AAAA"
    quoted = make_message(chat, alice, "", attachments=[picture])
    reply = send_message(bobs, chat, "nice", reply_to=quoted.seq).json()["message"]["reply"]
    assert reply["picture"] == id
    page = f"/chats/{chat.room_name}/"
    assert bobs.get(page).text.count(f'src="/files/{id}/thumb"') == 2
    delete(alices, chat, quoted.seq)
    assert id not in bobs.get(page).text


def test_a_text_and_files_that_no_frame_holds_are_refused(alices: Client, chat: Conversation) -> None:
    """The text alone, and the files alone, would fit."""
    text = "x" + "\x01" * 7_999
    assert send_message(alices, chat, text).status_code == 201
    ids = [upload(alices, name="ж" * 120, kind="file")["id"] for _ in range(10)]
    StoredFile.objects.update(placeholder="x" * 1_000)
    answer = send_message(alices, chat, text, attachments=ids)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    sent = send_message(alices, chat, "short", attachments=ids).json()["message"]
    path = f"{API}/conversations/{chat.room_name}/messages/{sent['seq']}"
    edited = alices.patch(path, json.dumps({"body": text}), content_type="application/json")
    assert edited.status_code == 413
    row = alices.get(f"{API}/conversations").json()["items"][0]
    assert len(row["last_message"]["attachments"]) == 10


# --- Changing ---


def test_a_caption_can_be_changed_and_removed(alices: Client, chat: Conversation) -> None:
    message = send_files(alices, chat, upload(alices)["id"], body="before")
    path = f"{API}/conversations/{chat.room_name}/messages/{message['seq']}"
    for body in ("after", ""):
        answer = alices.patch(path, json.dumps({"body": body}), content_type="application/json")
        assert answer.status_code == 200, answer.content
        changed = answer.json()["message"]
        assert (changed["body"], changed["attachments"]) == (body, message["attachments"])
    seq = send_message(alices, chat, "text").json()["message"]["seq"]
    path = f"{API}/conversations/{chat.room_name}/messages/{seq}"
    assert alices.patch(path, json.dumps({"body": ""}), content_type="application/json").status_code == 422


def test_a_reaction_leaves_the_files_alone(alices: Client, bobs: Client, chat: Conversation) -> None:
    file = send_file(alices, chat)
    answer = bobs.put(f"{API}/conversations/{chat.room_name}/messages/{file['seq']}/reactions/👍")
    assert [each["id"] for each in answer.json()["message"]["attachments"]] == [file["id"]]


def test_a_deleted_message_takes_its_files_along(
    alices: Client, bobs: Client, chat: Conversation, folder: Path
) -> None:
    message = send_files(alices, chat, upload(alices)["id"], upload(alices)["id"])
    answer = delete(alices, chat, message["seq"])
    assert answer.json()["message"]["attachments"] == []
    assert not Attachment.objects.exists()
    assert Message.objects.get().attachments is None
    run_due_jobs()
    assert (StoredFile.objects.count(), files_in(folder)) == (0, [])
    assert delete(alices, chat, message["seq"]).status_code == 200


@pytest.mark.parametrize("stored", [0, [], "x"])
def test_a_corrupt_row_takes_its_files_along_too(
    alices: Client, chat: Conversation, folder: Path, stored: Any
) -> None:
    """docs/threats.md F30: it no longer tells them, and what is deleted is deleted."""
    file = send_file(alices, chat)
    Message.objects.update(attachments=stored)
    assert delete(alices, chat, file["seq"]).status_code == 200
    assert alices.get(f"/files/{file['id']}/{file['name']}").status_code == 404
    run_due_jobs()
    assert (StoredFile.objects.count(), files_in(folder)) == (0, [])


def test_a_message_that_bob_deleted_for_himself_keeps_its_files(
    alices: Client, bobs: Client, chat: Conversation, folder: Path
) -> None:
    file = send_file(alices, chat)
    assert delete(bobs, chat, file["seq"], scope="me").json()["message"]["attachments"] == []
    run_due_jobs()
    assert len(files_in(folder)) == 1
    (seen,) = bobs.get(f"{API}/conversations/{chat.room_name}/messages").json()["items"]
    assert seen["attachments"] == []
    (seen,) = alices.get(f"{API}/conversations/{chat.room_name}/messages").json()["items"]
    assert len(seen["attachments"]) == 1


# --- Forwarding ---


def test_a_forward_shares_the_stored_files_under_other_ids(
    alices: Client, chat: Conversation, other_chat: Conversation, folder: Path
) -> None:
    message = send_files(
        alices, chat, *[upload(alices, name=f"{n}.txt")["id"] for n in range(3)], body="look"
    )
    copy = forward(alices, chat, message["seq"], to=other_chat)
    assert copy["body"] == "look"
    first, second = message["attachments"], copy["attachments"]
    assert [each | {"id": None} for each in second] == [each | {"id": None} for each in first]
    assert not {each["id"] for each in first} & {each["id"] for each in second}
    assert (StoredFile.objects.count(), len(files_in(folder))) == (3, 3)


def test_the_bytes_go_with_the_last_message_that_has_them(
    alices: Client, chat: Conversation, other_chat: Conversation, folder: Path
) -> None:
    file = send_file(alices, chat)
    forward(alices, chat, file["seq"], to=other_chat)
    forward(alices, other_chat, 1, to=chat)
    for room, seq in ((chat, file["seq"]), (other_chat, 1)):
        delete(alices, room, seq)
        run_due_jobs()
        assert len(files_in(folder)) == 1
    delete(alices, chat, 2)
    run_due_jobs()
    assert (files_in(folder), StoredFile.objects.count()) == ([], 0)


def test_a_repeated_forward_copies_once(alices: Client, chat: Conversation, other_chat: Conversation) -> None:
    file = send_file(alices, chat)
    body = {"id": str(uuid4()), "forward": {"room": chat.room_name, "seq": file["seq"]}}
    path = f"{API}/conversations/{other_chat.room_name}/messages"
    first, again = (alices.post(path, body, content_type="application/json") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["message"] == again.json()["message"]
    assert Attachment.objects.count() == 2


def test_a_file_cannot_be_forwarded_from_where_mallory_sees_nothing(
    alices: Client, client_of: Callable[[User | None], Client], chat: Conversation, mallory: User, carol: User
) -> None:
    """docs/threats.md T5."""
    file = send_file(alices, chat)
    own = make_conversation(mallory, carol)
    answer = client_of(mallory).post(
        f"{API}/conversations/{own.room_name}/messages",
        {"id": str(uuid4()), "forward": {"room": chat.room_name, "seq": file["seq"]}},
        content_type="application/json",
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_file_that_is_being_removed_cannot_be_forwarded(
    alices: Client, chat: Conversation, other_chat: Conversation
) -> None:
    """Its row was marked while a message still had it, as after a restored backup."""
    file = send_file(alices, chat)
    StoredFile.objects.update(state=StoredFile.State.REMOVING)
    answer = alices.post(
        f"{API}/conversations/{other_chat.room_name}/messages",
        {"id": str(uuid4()), "forward": {"room": chat.room_name, "seq": file["seq"]}},
        content_type="application/json",
    )
    assert answer.status_code == 404


def test_the_job_that_removes_bytes_may_run_at_any_time(
    alices: Client, chat: Conversation, folder: Path
) -> None:
    send_file(alices, chat)
    upload(alices)
    for file in StoredFile.objects.all():
        files_remove.call(file.pk)
    files_remove.call(0)
    assert (StoredFile.objects.count(), len(files_in(folder))) == (2, 2)


# --- Finding ---


def test_the_name_of_a_file_is_found_until_it_is_deleted(
    alices: Client, bobs: Client, chat: Conversation
) -> None:
    message = send_files(
        alices, chat, upload(alices, name="Отчёт за май.pdf")["id"], body="the numbers of spring"
    )
    index_pending()

    def found(q: str) -> list[list[list[int]]]:
        items = bobs.get(f"{API}/search", {"q": q}).json()["items"]
        return [each["matches"] for each in items]

    assert found("отчет май") == [[]]
    assert found("numbers отчет") == [[[4, 7]]]
    delete(alices, chat, message["seq"])
    assert found("отчет") == []


def test_files_of_a_chat_are_listed_by_kind_and_page(
    alices: Client, bobs: Client, chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.selectors.attachments.PAGE", 3)
    first = send_files(alices, chat, *[upload(alices, name=f"a{n}")["id"] for n in range(2)])
    second = send_files(bobs, chat, *[upload(bobs, name=f"b{n}")["id"] for n in range(3)])
    send_message(alices, chat, "no file")
    path = f"{API}/conversations/{chat.room_name}/attachments"
    page = bobs.get(path, {"kind": "file"}).json()
    assert [each["name"] for each in page["items"]] == ["b0", "b1", "b2"]
    rest = bobs.get(path, {"kind": "file", "cursor": page["next"]}).json()
    assert [each["name"] for each in rest["items"]] == ["a0", "a1"]
    assert rest["next"] is None
    assert rest["items"][0] == first["attachments"][0] | {
        "seq": first["seq"],
        "sender": alice.public_id,
        "created_at": first["created_at"],
    }
    assert bobs.get(path, {"kind": "picture"}).json() == {"items": [], "next": None}
    assert alices.get(path, {"cursor": page["next"]}).status_code == 422
    delete(bobs, chat, second["seq"], scope="me")
    assert [each["name"] for each in bobs.get(path).json()["items"]] == ["a0", "a1"]
    delete(alices, chat, first["seq"])
    assert bobs.get(path).json()["items"] == []
