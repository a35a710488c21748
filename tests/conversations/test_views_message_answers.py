"""The forms of a message's menu page that react, reply and forward, without JavaScript."""

import html
import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from conversations import throttling
from conversations.models import Conversation, Message
from tests.factories import make_conversation, make_message

pytestmark = pytest.mark.django_db
THUMB = "👍"


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def menu(chat: Conversation, bob: User) -> str:
    """The menu of what Bob wrote to Alice."""
    return f"/chats/{chat.room_name}/{make_message(chat, bob, 'hello').seq}/"


def text_of(answer: HttpResponse) -> str:
    return html.unescape(answer.content.decode())


def offers(answer: HttpResponse) -> set[str]:
    return set(re.findall(r'name="do" value="(\w+)"', text_of(answer))) & {"react", "reply", "forward"}


def test_alice_reacts_and_takes_it_back(browser: Client, chat: Conversation, alice: User, menu: str) -> None:
    answer = browser.post(menu, {"do": "react", "emoji": THUMB})
    assert (answer.status_code, answer["Location"]) == (303, f"/chats/{chat.room_name}/?m=1")
    assert Message.objects.get().reactions == [{"emoji": THUMB, "users": [alice.public_id]}]
    assert 'aria-pressed="true"' in text_of(browser.get(menu))
    browser.post(menu, {"do": "react", "emoji": THUMB, "on": "false"})
    assert Message.objects.get().reactions == []
    assert "aria-pressed" not in text_of(browser.get(menu))


@pytest.mark.parametrize("emoji", ["", "a", "👍👍"])
def test_what_is_no_emoji_is_refused(browser: Client, menu: str, emoji: str) -> None:
    assert browser.post(menu, {"do": "react", "emoji": emoji}).status_code == 422
    assert Message.objects.get().reactions == []


def test_alice_replies_and_a_second_press_sends_nothing(
    browser: Client, chat: Conversation, menu: str
) -> None:
    form = {"do": "reply", "body": "hello Bob", "id": str(uuid4())}
    for _ in range(2):
        answer = browser.post(menu, form)
        assert (answer.status_code, answer["Location"]) == (303, f"/chats/{chat.room_name}/")
    (reply,) = Message.objects.filter(seq__gt=1)
    assert (reply.body, reply.reply_to) == ("hello Bob", 1)


def test_a_refused_reply_keeps_its_text(browser: Client, menu: str) -> None:
    too_long = "x" * 8_001
    answer = browser.post(menu, {"do": "reply", "body": too_long, "id": str(uuid4())})
    assert (answer.status_code, too_long in text_of(answer)) == (422, True)
    Conversation.objects.update(high_blocks=True)
    answer = browser.post(menu, {"do": "reply", "body": "are you there", "id": str(uuid4())})
    assert (answer.status_code, "are you there" in text_of(answer)) == (422, True)
    assert "You can’t write to this person now." in text_of(answer)


def test_alice_forwards_to_carol(
    browser: Client, chat: Conversation, menu: str, alice: User, carol: User
) -> None:
    other = make_conversation(alice, carol)
    assert f'value="{other.room_name}"' in text_of(browser.get(menu))
    form = {"do": "forward", "room": other.room_name, "id": str(uuid4())}
    for _ in range(2):
        answer = browser.post(menu, form)
        assert (answer.status_code, answer["Location"]) == (303, f"/chats/{other.room_name}/")
    assert [message.body for message in Message.objects.filter(conversation=other)] == ["hello"]


def test_alice_forwards_to_none_but_her_chats(
    browser: Client, menu: str, bob: User, carol: User, mallory: User
) -> None:
    foreign = make_conversation(bob, carol)
    for room in (foreign.room_name, "dm-" + "a" * 32, ""):
        answer = browser.post(menu, {"do": "forward", "room": room, "id": str(uuid4())})
        assert answer.status_code == 422
        assert foreign.room_name not in text_of(browser.get(menu))
    assert Message.objects.count() == 1


def test_only_what_can_be_done_is_offered(
    browser: Client, chat: Conversation, menu: str, alice: User, carol: User
) -> None:
    assert offers(browser.get(menu)) == {"react", "reply", "forward"}
    Conversation.objects.update(high_blocks=True)
    assert offers(browser.get(menu)) == set()
    make_conversation(alice, carol)
    assert offers(browser.get(menu)) == {"forward"}
    Message.objects.update(body="", deleted_at="2026-01-01T00:00:00Z")
    assert offers(browser.get(menu)) == set()


def test_too_many_reactions_are_told_to_wait(
    browser: Client, menu: str, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS = True  # type: ignore[attr-defined]
    monkeypatch.setattr(throttling, "monotonic", lambda now: 1_000.0)
    throttling.reactions.clear()
    throttling.frames.clear()
    codes = [browser.post(menu, {"do": "react", "emoji": THUMB}).status_code for _ in range(31)]
    assert codes == [*[303] * 30, 429]
    throttling.reactions.clear()
    throttling.frames.clear()
