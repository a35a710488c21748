"""Files of messages as pages show them without JavaScript; tests/golden/files.json holds the script to it."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import User
from conversations.models import Conversation, Message
from conversations.views import file_views
from tests.conversations.files import send_files, send_message, upload, use_folder
from tests.pictures.files import encoded, halves

pytestmark = pytest.mark.django_db

GOLDEN: dict[str, list[Any]] = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "files.json").read_text(encoding="utf-8")
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    return use_folder(settings, tmp_path)


def plain_jpeg(width: int, height: int) -> bytes:
    return encoded(halves(width, height), "JPEG")


def page(client: Client, chat: Conversation) -> str:
    return client.get(f"/chats/{chat.room_name}/").content.decode()


def message_of(*kinds: str) -> Message:
    files = [
        {"id": f"00000000-0000-0000-0000-{index:012}", "kind": kind, "name": "n", "size": 1, "type": "x/y"}
        for index, kind in enumerate(kinds)
    ]
    return Message(attachments=files)


def test_boxes_sizes_lengths_names_and_waveforms_are_those_of_the_golden_file() -> None:
    for width, height, box in GOLDEN["boxes"]:
        assert list(file_views.box_of(width, height)) == box
    for size, text in GOLDEN["sizes"]:
        with translation.override("en"):
            assert file_views.size_text(size) == text
    for seconds, text in GOLDEN["clocks"]:
        assert file_views.clock_text(seconds) == text
    for name, ending, risky in GOLDEN["names"]:
        assert (file_views.ending_of(name), file_views.is_risky(name)) == (ending, risky), name
    for peaks, width, path in GOLDEN["waves"]:
        assert (file_views.wave_width(peaks), file_views.wave_path(peaks)) == (width, path)


def test_of_many_pictures_four_are_shown_and_the_last_one_says_how_many_follow() -> None:
    for kinds, layout, beyond in GOLDEN["grids"]:
        views = file_views.file_views(message_of(*kinds))
        assert list(file_views.layout_of(views)) == layout
        assert [view.beyond for view in views] == beyond


@pytest.mark.parametrize(("language", "text"), [("en", "1.5 MB"), ("ru", "1,5 МБ"), ("pt-br", "1,5 MB")])
def test_a_size_is_written_in_the_language_of_the_page(language: str, text: str) -> None:
    with translation.override(language):
        assert file_views.size_text(1_500_000) == text


def test_a_corrupt_list_of_files_shows_the_message_without_them() -> None:
    assert file_views.file_views(Message(attachments=[{"id": 1}])) == ()
    assert file_views.file_views(Message(attachments="no list")) == ()


def test_a_picture_has_its_box_its_placeholder_and_its_words_before_it_is_there(
    alice: User, bob: User, chat: Conversation, client_of: Any
) -> None:
    """docs/interface.md H5: nothing on the page moves when it comes. No style stands in the page."""
    data = plain_jpeg(640, 420)
    client = client_of(alice)
    found = upload(client, data, name="pier.jpg", kind="picture", alt="The pier at <dusk>")
    send_files(client, chat, found["id"], body="Look")
    html = page(client_of(bob), chat)
    assert '<li class="file" data-kind="picture"' in html
    assert f'data-file="{found["id"]}"' in html
    assert 'viewBox="0 0 368 242" width="368" height="242"' in html
    assert '<image href="data:image/webp;base64,' in html
    assert f'src="/files/{found["id"]}/thumb"' in html
    assert 'alt="The pier at &lt;dusk&gt;"' in html
    assert f'href="/files/{found["id"]}/display"' in html
    assert 'data-files="pictures"' in html
    assert 'href="/static/css/kind-files' in html
    assert " style=" not in html


def test_a_page_without_files_does_not_wait_for_their_styles(
    alice: User, chat: Conversation, client_of: Any
) -> None:
    client = client_of(alice)
    send_message(client, chat, "only words")
    assert '<link rel="stylesheet" href="/static/css/kind-files' not in page(client, chat)


def test_a_file_shows_its_name_kind_and_size_and_warns_of_programs(
    alice: User, bob: User, chat: Conversation, client_of: Any
) -> None:
    client = client_of(alice)
    ids = [
        upload(client, b"x" * size, name=name)["id"] for name, size in [("setup.exe", 1_500), ("map.pdf", 30)]
    ]
    send_files(client, chat, *ids)
    html = page(client_of(bob), chat)
    assert "EXE · 1.5 kB" in html
    assert "PDF · 30 B" in html
    assert html.count("This file can run programs</span>") == 2, "of the program, and the template"
    assert 'data-files="rows"' in html
    assert 'data-wordless="true"' in html


def test_the_list_and_a_quote_say_what_a_message_without_a_text_has(
    alice: User, bob: User, chat: Conversation, client_of: Any
) -> None:
    client = client_of(alice)
    pictures = [upload(client, plain_jpeg(64, 48), name="a.jpg", kind="picture")["id"] for _ in range(3)]
    sent = send_files(client, chat, *pictures)
    html = page(client_of(bob), chat)
    assert "3 photos" in html
    assert "icons.svg#i-image" in html
    send_message(client_of(bob), chat, "nice", reply_to=sent["seq"])
    html = page(client, chat)
    assert ">Photo</span></a>" in html
