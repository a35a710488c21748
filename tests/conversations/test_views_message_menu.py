"""The menu page of one message without JavaScript: each action a form, each refusal with the text kept."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from conversations import throttling
from conversations.exceptions import UnknownResult
from conversations.models import Conversation, HiddenMessage, Message
from conversations.views import message_menu
from tests.factories import make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    """Alice's browser."""
    return client_of(alice)


@pytest.fixture
def sent(chat: Conversation, alice: User) -> Message:
    return make_message(chat, alice, "hello")


@pytest.fixture
def menu(chat: Conversation, sent: Message) -> str:
    return f"/chats/{chat.room_name}/{sent.seq}/"


def text_of(answer: HttpResponse) -> str:
    return html.unescape(answer.content.decode())


def buttons(answer: HttpResponse) -> list[str]:
    """Without those of test_views_message_answers.py."""
    found = re.findall(r'name="do" value="(\w+)"', text_of(answer))
    return [name for name in found if name not in {"react", "reply", "forward"}]


def written(answer: HttpResponse) -> str:
    (found,) = re.findall(r'<textarea[^>]*id="id_body"[^>]*>\n(.*?)</textarea>', text_of(answer), re.DOTALL)
    return str(found)


def version(answer: HttpResponse) -> str:
    (found,) = re.findall(r'name="version" value="(\d+)"', text_of(answer))
    return str(found)


def test_each_message_of_the_chat_links_to_its_menu(browser: Client, chat: Conversation, menu: str) -> None:
    assert f'href="{menu}"' in text_of(browser.get(f"/chats/{chat.room_name}/"))


def test_alice_edits_her_message_with_the_form(browser: Client, chat: Conversation, menu: str) -> None:
    page = browser.get(menu)
    assert (buttons(page), written(page), version(page)) == (["edit", "delete", "hide"], "hello", "1")
    answer = browser.post(menu, {"do": "edit", "body": "hello Bob\r\n", "version": "1"})
    assert (answer.status_code, answer["Location"]) == (303, f"/chats/{chat.room_name}/?m=1")
    assert Message.objects.get().body == "hello Bob"
    assert "hello Bob" in text_of(browser.get(answer["Location"]))


def test_alice_deletes_for_everyone_with_the_form(browser: Client, chat: Conversation, menu: str) -> None:
    assert browser.post(menu, {"do": "delete"}).status_code == 303
    assert browser.post(menu, {"do": "delete"}).status_code == 303, "twice is harmless"
    page = browser.get(f"/chats/{chat.room_name}/")
    assert "Message deleted" in text_of(page)
    assert "hello" not in text_of(page)
    assert buttons(browser.get(menu)) == ["hide"]


def test_bob_hides_alices_message_with_the_form(
    client_of: Callable[[User | None], Client], bob: User, browser: Client, chat: Conversation, menu: str
) -> None:
    bobs = client_of(bob)
    assert buttons(bobs.get(menu)) == ["hide"], "what another wrote is not his to change"
    assert bobs.post(menu, {"do": "hide"}).status_code == 303
    page = text_of(bobs.get(f"/chats/{chat.room_name}/"))
    assert "Message deleted" in page
    assert "hello" not in page, "neither in the bubble, nor in the list, nor in the data of the script"
    assert buttons(bobs.get(menu)) == []
    assert "hello" in text_of(browser.get(menu))


@pytest.mark.parametrize("action", ["edit", "delete"])
def test_what_bob_posts_for_alices_message_is_forbidden(
    client_of: Callable[[User | None], Client], bob: User, menu: str, action: str
) -> None:
    answer = client_of(bob).post(menu, {"do": action, "body": "mine"})
    assert (answer.status_code, Message.objects.get().body) == (403, "hello")
    assert "You can change only what you have written yourself." in text_of(answer)


def test_an_invalid_text_comes_back_in_its_field(browser: Client, menu: str) -> None:
    answer = browser.post(menu, {"do": "edit", "body": " ", "version": "1"})
    assert (answer.status_code, "Write something first." in text_of(answer)) == (422, True)
    answer = browser.post(menu, {"do": "edit", "body": "x" * 8_001, "version": "1"})
    assert (answer.status_code, written(answer)) == (422, "x" * 8_001)


def test_an_edit_by_another_device_is_shown_and_can_be_overwritten(browser: Client, menu: str) -> None:
    browser.post(menu, {"do": "edit", "body": "from the phone"})
    answer = browser.post(menu, {"do": "edit", "body": "from the page", "version": "1"})
    assert answer.status_code == 409
    assert (written(answer), version(answer)) == ("from the page", "2")
    assert "from the phone" in text_of(answer)
    assert browser.post(menu, {"do": "edit", "body": written(answer), "version": "2"}).status_code == 303


def test_an_old_message_offers_no_edit_and_refuses_one(browser: Client, sent: Message, menu: str) -> None:
    Message.objects.update(created_at=sent.created_at - timedelta(days=2))
    assert buttons(browser.get(menu)) == ["delete", "hide"]
    answer = browser.post(menu, {"do": "edit", "body": "too late", "version": "1"})
    assert (answer.status_code, written(answer)) == (422, "too late")
    assert "too old to be edited" in text_of(answer)


def test_an_edit_of_a_deleted_message_is_gone_and_keeps_its_text(browser: Client, menu: str) -> None:
    browser.post(menu, {"do": "delete"})
    answer = browser.post(menu, {"do": "edit", "body": "back again", "version": "1"})
    assert (answer.status_code, written(answer)) == (410, "back again")


def test_while_bob_blocks_only_deleting_is_offered(browser: Client, menu: str) -> None:
    Conversation.objects.update(high_blocks=True)
    assert buttons(browser.get(menu)) == ["delete", "hide"]
    assert browser.post(menu, {"do": "edit", "body": "x", "version": "1"}).status_code == 422
    assert browser.post(menu, {"do": "delete"}).status_code == 303


@pytest.mark.parametrize("seq", ["0", "2", "99999999999999999999"])
def test_a_number_that_is_no_message_is_not_found(
    browser: Client, chat: Conversation, sent: Message, seq: str
) -> None:
    assert browser.get(f"/chats/{chat.room_name}/{seq}/").status_code == 404
    assert browser.post(f"/chats/{chat.room_name}/{seq}/", {"do": "hide"}).status_code == 404
    assert not HiddenMessage.objects.exists()


def test_an_unknown_action_changes_nothing(browser: Client, menu: str) -> None:
    for fields in ({}, {"do": "publish"}, {"do": ""}):
        answer = browser.post(menu, fields)
        assert (answer.status_code, answer["Location"]) == (303, menu)


def test_too_many_edits_are_told_to_wait_and_keep_their_text(
    browser: Client, menu: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sends_burst": 1, "sends_per_s": 1}
    monkeypatch.setattr(throttling, "monotonic", lambda now: 1_000.0)
    throttling.sends.clear()
    browser.post(menu, {"do": "edit", "body": "one"})
    answer = browser.post(menu, {"do": "edit", "body": "two"})
    assert (answer.status_code, written(answer), answer["Retry-After"]) == (429, "two", "1")
    assert browser.post(menu, {"do": "hide"}).status_code == 429
    throttling.sends.clear()


@pytest.mark.parametrize("action", ["edit", "delete"])
def test_without_a_database_the_form_keeps_what_was_wanted(
    browser: Client, menu: str, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """The result is unknown, and the page of the chat cannot be read: sending it again is harmless."""

    def fail(**values: Any) -> Any:
        monkeypatch.setattr(message_menu, "message_at", be_away)
        raise UnknownResult

    def be_away(**values: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(message_menu, "message_edit", fail)
    monkeypatch.setattr(message_menu, "message_delete", fail)
    answer = browser.post(menu, {"do": action, "body": "keep me", "version": "1"})
    assert (answer.status_code, answer["Retry-After"]) == (504, "1")
    assert buttons(answer) == [action]
    assert ("keep me" in text_of(answer)) == (action == "edit")
