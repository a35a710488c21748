"""The page of search results, as a browser without scripts uses it."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from conversations.models import Conversation
from conversations.services.search_indexing import Indexer
from conversations.views.finding import snippet
from tests.factories import make_conversation, make_message, make_user

pytestmark = pytest.mark.django_db
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "snippets.json").read_text(encoding="utf-8"))


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


@pytest.mark.parametrize("case", GOLDEN)
def test_a_snippet_shows_the_text_around_the_first_match(case: dict) -> None:
    pieces = snippet(case["body"], [tuple(match) for match in case["matches"]])
    assert [[piece.text, piece.is_match] for piece in pieces] == case["pieces"]


def test_people_chats_and_messages_are_found_beside_the_list(
    browser: Client, chat: Conversation, bob: User
) -> None:
    make_user("bobby", "Bobby")
    make_message(chat, bob, "Ask Bob about <b>tea</b>")
    Indexer().run()
    page = browser.get("/chats/", {"q": "bob"})
    assert page.status_code == 200
    assert f'href="/chats/{chat.room_name}/"' in page.text
    assert "/chats/with/bobby/" in page.text
    assert "/chats/with/bob/" not in page.text, "his chat is there already"
    assert f'href="/chats/{chat.room_name}/?m=1"' in page.text
    assert "Ask <mark>Bob</mark> about &lt;b&gt;tea" in page.text


def test_in_one_chat_only_its_messages_are_found(
    browser: Client, chat: Conversation, alice: User, carol: User
) -> None:
    other = make_conversation(alice, carol)
    for where in (chat, other):
        make_message(where, alice, "alice has tea")
    Indexer().run()
    page = browser.get("/chats/", {"q": "tea", "room": other.room_name}).text
    assert f"/chats/{other.room_name}/?m=1" in page
    assert f"/chats/{chat.room_name}/?m=1" not in page
    assert f'name="room" value="{other.room_name}"' in page


def test_older_results_are_a_link_away(browser: Client, chat: Conversation, alice: User) -> None:
    for number in range(31):
        make_message(chat, alice, f"tea {number}")
    Indexer().run()
    page = browser.get("/chats/", {"q": "tea"})
    assert "?m=31" in page.text
    address = page.context["more"]
    assert "?m=1&quot;" not in page.text
    assert 'm=1"' in browser.get(address).text


@pytest.mark.parametrize("q", ["", " ", "a", '"', "\0", "%_", "x" * 5_000, "\ud800"])
def test_nothing_that_is_typed_breaks_the_page(browser: Client, chat: Conversation, q: str) -> None:
    page = browser.get("/chats/", {"q": q.encode("utf-8", "surrogatepass")})
    assert page.status_code == 200
    assert "?m=" not in page.text


def test_an_outdated_cursor_shows_the_first_page(browser: Client, chat: Conversation, alice: User) -> None:
    make_message(chat, alice, "tea")
    Indexer().run()
    assert "?m=1" in browser.get("/chats/", {"q": "tea", "cursor": "x"}).text


def test_the_room_of_others_is_not_there(
    client_of: Callable[[User | None], Client], chat: Conversation, mallory: User
) -> None:
    browser = client_of(mallory)
    answers = [
        browser.get("/chats/", {"q": "tea", "room": room})
        for room in (chat.room_name, "dm-" + "a" * 32, "\0")
    ]
    assert {answer.status_code for answer in answers} == {404}


def test_a_visitor_is_asked_to_log_in(client: Client) -> None:
    assert client.get("/chats/", {"q": "tea"}).status_code == 302


def test_the_number_of_queries_does_not_depend_on_the_number_of_results(
    browser: Client, chat: Conversation, alice: User, django_assert_max_num_queries
) -> None:
    for number in range(25):
        make_message(chat, alice, f"tea {number}")
    Indexer().run()
    with django_assert_max_num_queries(20):
        browser.get("/chats/", {"q": "tea"})


def test_a_message_found_by_the_name_of_its_file_shows_the_name(
    browser: Client, chat: Conversation, alice: User
) -> None:
    file = {
        "id": str(uuid4()),
        "kind": "file",
        "name": "harbour map.pdf",
        "size": 3,
        "type": "application/pdf",
    }
    make_message(chat, alice, "", attachments=[file])
    Indexer().run()
    assert "harbour map.pdf" in browser.get("/chats/", {"q": "harbour"}).text
