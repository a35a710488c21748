"""The page of a chat's files: by kind, newest first, page by page, only what the viewer may see."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from conversations.models import Attachment, Conversation
from conversations.selectors import attachments
from tests.conversations.files import send_files, upload, use_folder
from tests.pictures.files import encoded, halves

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    return use_folder(settings, tmp_path)


def page(client: Client, chat: Conversation, query: str = "") -> str:
    response = client.get(f"/chats/{chat.room_name}/files/{query}")
    assert response.status_code == 200
    return response.content.decode()


def shown(html: str) -> list[str]:
    """The ids of the files on the page, in its order."""
    return [part[:36] for part in html.split('data-file="')[1:]]


def send(client: Client, chat: Conversation, name: str, kind: str = "file") -> tuple[str, int]:
    data = encoded(halves(64, 48), "JPEG") if kind == "picture" else b"x" * 30
    id = upload(client, data, name=name, kind=kind)["id"]
    return id, send_files(client, chat, id)["seq"]


def test_each_kind_has_its_page_and_each_file_leads_to_its_message(
    alice: User, bob: User, chat: Conversation, client_of: Any
) -> None:
    client = client_of(alice)
    picture, _ = send(client, chat, "pier.jpg", "picture")
    older, _ = send(client, chat, "map.pdf")
    newer, seq = send(client, chat, "list.txt")
    bobs = client_of(bob)
    assert shown(page(bobs, chat)) == [picture]
    html = page(bobs, chat, "?kind=file")
    assert shown(html) == [newer, older]
    assert f'href="/chats/{chat.room_name}/?m={seq}#message-{seq}"' in html
    assert "Show list.txt in the chat" in html
    assert shown(page(bobs, chat, "?kind=nothing&cursor=nothing")) == [picture], "counts as not given"
    assert "No voice messages yet" in page(bobs, chat, "?kind=voice")
    assert f'href="/chats/{chat.room_name}/files/"' in bobs.get(f"/chats/{chat.room_name}/").content.decode()


def test_many_files_come_page_by_page(
    alice: User, chat: Conversation, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "PAGE", 2)
    client = client_of(alice)
    ids = [send(client, chat, f"{number}.txt")[0] for number in range(3)]
    html = page(client, chat, "?kind=file")
    assert shown(html) == ids[:0:-1]
    older = html.split('button--text older" href="')[1].split('"')[0].replace("&amp;", "&")
    html = client.get(older).content.decode()
    assert shown(html) == ids[:1]
    assert "Earlier files" not in html


def test_what_is_deleted_or_hidden_is_not_on_the_page(
    alice: User, bob: User, chat: Conversation, client_of: Any
) -> None:
    client = client_of(alice)
    _, deleted = send(client, chat, "a.txt")
    hidden, seq = send(client, chat, "b.txt")
    messages = f"/api/v1/conversations/{chat.room_name}/messages"
    assert client.delete(f"{messages}/{deleted}").status_code < 300
    assert client_of(bob).delete(f"{messages}/{seq}?scope=me").status_code < 300
    assert shown(page(client_of(bob), chat, "?kind=file")) == []
    assert shown(page(client, chat, "?kind=file")) == [hidden]


def test_the_page_costs_the_same_number_of_statements_however_many_files(
    alice: User, chat: Conversation, client_of: Any, django_assert_num_queries: Any
) -> None:
    client = client_of(alice)
    send(client, chat, "a.txt")
    page(client, chat, "?kind=file")
    with CaptureQueriesContext(connection) as one:
        page(client, chat, "?kind=file")
    count = len(one)
    for number in range(5):
        send(client, chat, f"{number}.txt")
    with django_assert_num_queries(count):
        assert len(shown(page(client, chat, "?kind=file"))) == 6
    assert Attachment.objects.count() == 6
