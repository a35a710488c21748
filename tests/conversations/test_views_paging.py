"""Lists longer than a page are reachable to their end, with and without JavaScript."""

import base64
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import make_conversation, make_message, make_user

pytestmark = pytest.mark.django_db


def followed(client: Client, path: str, label: str) -> list[str]:
    """The bodies of a list's pages, from the first to the last, following the link labelled `label`."""
    pages = []
    while path:
        body = client.get(path).content.decode()
        pages.append(body)
        link = re.search(rf'href="([^"]+)">\s*{label}\s*<', body)
        path = "" if link is None else unescape(link[1])
        path = path if path.startswith("/") or not path else pytest.fail(path)
        assert len(pages) < 10
    return pages


def test_alice_reaches_the_seventieth_person(alice: User, client_of: Any) -> None:
    people = [make_user(f"person{number:03}", f"Person {number:03}") for number in range(130)]
    pages = followed(client_of(alice), "/people/", "More people")
    assert len(pages) == 3
    shown = "".join(pages)
    assert all(f"/chats/with/{person.username}/" in shown for person in people)


def test_the_api_pages_through_people(alice: User, client_of: Any) -> None:
    names = {make_user(f"person{number:03}").username for number in range(61)}
    first = client_of(alice).get("/api/v1/people").json()
    second = client_of(alice).get("/api/v1/people", {"cursor": first["next"]}).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (60, 1, None)
    assert {card["username"] for card in first["items"] + second["items"]} == names


def test_alice_reaches_her_oldest_chat(alice: User, client_of: Any) -> None:
    chats = [make_conversation(alice, make_user()) for _ in range(65)]
    for chat in chats:
        make_message(chat, alice)
    rooms = [chat.room_name for chat in chats]
    pages = followed(client_of(alice), "/chats/", "Older chats")
    assert len(pages) == 2
    assert all(f"/chats/{room}/" in "".join(pages) for room in rooms)


@pytest.mark.parametrize("cursor", ["x", "%00", "AAAA", "9" * 500])
def test_an_invalid_cursor_shows_the_newest_chats(alice: User, client_of: Any, cursor: str) -> None:
    room = make_conversation(alice, make_user()).room_name
    answer = client_of(alice).get(f"/chats/?cursor={cursor}")
    assert answer.status_code == 200
    assert room in answer.content.decode()
    assert client_of(alice).get(f"/people/?cursor={cursor}").status_code == 200


@pytest.mark.parametrize("cursor", ["zoe", "nobody", "mallory"])
def test_the_cursor_of_people_reveals_no_hidden_accounts(alice: User, client_of: Any, cursor: str) -> None:
    """A cursor looked up among all accounts would reveal hidden ones, and by bisection their names."""
    make_user("zoe", "Zoe Quicksilver", listed=False)
    answer = client_of(alice).get("/api/v1/people", {"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_frame")
    assert client_of(alice).get("/people/", {"after": cursor, "cursor": cursor}).context["people"] == []


def test_cursors_reveal_no_counts(alice: User, client_of: Any) -> None:
    for number in range(61):
        make_conversation(alice, make_user(f"person{number:03}"))
    for path in ("/api/v1/conversations", "/api/v1/people"):
        following = client_of(alice).get(path).json()["next"]
        assert b"guest" not in base64.urlsafe_b64decode(following + "=" * (-len(following) % 4))
        assert following != client_of(alice).get(path).json()["next"], "not even equal places look equal"
