"""Outsiders at every route of a room: each response is byte-identical to that for an unknown room.

The API's routes come from its own description, so that a new one is tested automatically.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver

from accounts.models import User
from conversations.api import api
from conversations.models import Conversation, Message, Participant
from tests.factories import make_conversation, make_messages

pytestmark = pytest.mark.django_db
CANARY = "canary-7f3a9c"
UNKNOWN = "dm-" + "a" * 32
METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
PATHS = sorted(path for path in api.get_openapi_schema(path_prefix="/api/v1/")["paths"] if "{room}" in path)
BODIES: dict[str, Any] = {
    "messages": {"id": str(uuid4()), "body": "let me in"},
    "receipt": {"read": 1, "delivered": 1},
    "{seq}": {"body": "let me in"},
    "draft": {"body": "let me in"},
}
CHANGING_HEADERS = {"Set-Cookie", "Date"}


@pytest.fixture(autouse=True)
def room(chat: Conversation, alice: User, bob: User) -> str:
    """The room of Alice and Bob, with a history that no other user may see."""
    for message in make_messages(chat, [alice, bob], 4):
        Message.objects.filter(pk=message.pk).update(body=f"{CANARY} {message.seq}")
    return chat.room_name


@pytest.fixture(params=["mallory", "carol, who talks to both", "anonymous"])
def outsider(
    request: pytest.FixtureRequest, client_of: Callable[[User | None], Client], alice: User, bob: User
) -> Client:
    if request.param == "mallory":
        return client_of(request.getfixturevalue("mallory"))
    if request.param == "anonymous":
        return client_of(None)
    carol = request.getfixturevalue("carol")
    make_conversation(carol, alice)
    make_conversation(carol, bob)
    return client_of(carol)


def path_of(path: str, room: str) -> str:
    """The first message of the room, where the path names one."""
    return path.replace("{room}", room).replace("{seq}", "1").replace("{emoji}", "👍")


def visible(response: HttpResponse, room: str) -> tuple[int, bytes, dict[str, str]]:
    """All that the client can see; the room name it sent may be repeated."""
    assert CANARY.encode() not in response.content
    headers = {
        name: value.replace(room, "ROOM") for name, value in response.items() if name not in CHANGING_HEADERS
    }
    return response.status_code, response.content.replace(room.encode(), b"ROOM"), headers


@pytest.mark.parametrize("path", PATHS)
def test_every_route_of_the_api_answers_as_if_the_room_were_not_there(
    outsider: Client, room: str, path: str
) -> None:
    body = json.dumps(BODIES.get(path.rsplit("/", 1)[-1], {}))
    for method in METHODS:
        answers = [
            visible(
                outsider.generic(method.upper(), path_of(path, name), body, content_type="application/json"),
                name,
            )
            for name in (room, UNKNOWN)
        ]
        assert answers[0] == answers[1], method
        assert answers[0][0] in {401, 403, 404, 405}, method


@pytest.mark.parametrize(
    "path",
    [
        "/chats/{room}/",
        "/chats/{room}",
        "/chats/{room}/?before=3",
        "/chats/{room}/messages/",
        "/chats/{room}/reopen/",
        "/chats/{room}/1/",
        "/chats/{room}/files/",
        "/chats/{room}/files/?kind=voice",
        "/chats/{room}/99999999999999999999/",
        "/ws/chat/{room}/",
    ],
)
def test_every_page_answers_as_if_the_room_were_not_there(outsider: Client, room: str, path: str) -> None:
    for method in METHODS:
        fields = {"body": "let me in", "id": str(uuid4()), "do": "delete"}
        data = fields if method == "post" else {}
        answers = [
            visible(getattr(outsider, method)(path_of(path, name), data), name) for name in (room, UNKNOWN)
        ]
        assert answers[0] == answers[1], method
        assert answers[0][0] in {301, 302, 404, 405}, method


def test_catching_up_over_http_leaves_out_what_is_not_mine(outsider: Client, room: str) -> None:
    answers = [
        visible(
            outsider.post("/api/v1/sync", {"rooms": {name: 0}, "marks": {name: 0}}, "application/json"), name
        )
        for name in (room, UNKNOWN)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] in {200, 401}
    assert answers[0][0] == 401 or answers[0][1] == b'{"pages":[]}'


def test_no_list_shows_the_room(outsider: Client, room: str) -> None:
    for path in (
        "/chats/",
        "/people/",
        "/api/v1/conversations",
        "/api/v1/me",
        "/api/v1/people?q=",
        "/people/?q=canary",
        "/api/v1/search?q=canary",
        f"/api/v1/search?q={CANARY}",
    ):
        answer = outsider.get(path)
        assert room.encode() not in answer.content
        assert CANARY.encode() not in answer.content


def test_nothing_was_written_by_all_this(outsider: Client, room: str, alice: User) -> None:
    before = list(Participant.objects.filter(conversation__room_name=room).values())
    for path in PATHS:
        for method in METHODS:
            body = json.dumps(BODIES.get(path.rsplit("/", 1)[-1], {}))
            outsider.generic(method.upper(), path_of(path, room), body, content_type="application/json")
    outsider.post(f"/chats/{room}/", {"body": "let me in", "id": str(uuid4())})
    assert Message.objects.filter(conversation__room_name=room).count() == 4
    assert list(Participant.objects.filter(conversation__room_name=room).values()) == before


def test_bob_is_an_outsider_until_the_first_message(
    client_of: Callable[[User | None], Client], bob: User, carol: User
) -> None:
    """Carol opened an empty chat; no route tells Bob."""
    hidden = make_conversation(carol, bob)
    Participant.objects.filter(conversation=hidden, user=bob).update(activity=None)
    browser = client_of(bob)
    for path in [*PATHS, "/chats/{room}/"]:
        for method in METHODS:
            answers = [
                visible(
                    browser.generic(
                        method.upper(), path_of(path, name), "{}", content_type="application/json"
                    ),
                    name,
                )
                for name in (hidden.room_name, UNKNOWN)
            ]
            assert answers[0] == answers[1], (method, path)
    assert hidden.room_name.encode() not in browser.get("/chats/").content


def test_every_page_with_a_room_is_tested_here() -> None:
    """A new page that names a room must be added above."""
    patterns = [
        str(pattern.pattern)
        for included in get_resolver().url_patterns
        for pattern in getattr(included, "url_patterns", [])
    ]
    found = {pattern for pattern in patterns if "room" in pattern and "api" not in pattern}
    assert found == {
        "chats/<str:room_name>/",
        "chats/<str:room_name>/<int:seq>/",
        "chats/<str:room_name>/files/",
        "chats/<str:room_name>/reopen/",
    }
