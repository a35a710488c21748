"""A page that stayed open while another user logged in never acts in that user's name."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from conversations.models import Conversation, Message

ClientOf = Callable[[User | None], Client]


@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/sync", "/settings/privacy/", "/chats/"])
def test_a_request_in_the_name_of_another_user_is_rejected(
    alice: User, bob: User, client_of: ClientOf, method: str, path: str
) -> None:
    response = getattr(client_of(bob), method)(path, headers={"x-acting-user": alice.public_id})
    assert response.status_code == 409
    assert (response.json()["code"], response.json()["retryable"]) == ("other_account", False)


def test_a_message_of_alice_is_not_stored_as_bobs(
    alice: User, bob: User, chat: Conversation, client_of: ClientOf
) -> None:
    path, body = (
        f"/api/v1/conversations/{chat.room_name}/messages",
        {"id": str(uuid4()), "body": "I am Alice"},
    )
    response = client_of(bob).post(path, body, "application/json", headers={"x-acting-user": alice.public_id})
    assert response.status_code == 409
    assert not Message.objects.exists()
    response = client_of(alice).post(
        path, body, "application/json", headers={"x-acting-user": alice.public_id}
    )
    assert response.status_code == 201


@pytest.mark.parametrize("named", ["", "1", "ä", "x" * 5_000])
def test_an_unknown_acting_user_is_rejected(alice: User, client_of: ClientOf, named: str) -> None:
    assert client_of(alice).get("/api/v1/me", headers={"x-acting-user": named}).status_code == 409


def test_without_the_header_the_session_decides(alice: User, client_of: ClientOf) -> None:
    assert client_of(alice).get("/api/v1/me").status_code == 200


def test_an_anonymous_request_gets_401(alice: User, client: Client) -> None:
    assert client.get("/api/v1/me", headers={"x-acting-user": alice.public_id}).status_code == 401


def test_a_form_of_an_open_page_is_rejected_after_another_login(
    alice: User, bob: User, chat: Conversation
) -> None:
    """Without a script, the CSRF token becomes invalid with the login."""
    browser = Client(enforce_csrf_checks=True)
    log_in(browser, alice)
    token = browser.get(f"/chats/{chat.room_name}/").context["csrf_token"]
    browser.post("/accounts/logout/", {"csrfmiddlewaretoken": token})
    log_in(browser, bob)
    form = {"id": str(uuid4()), "body": "I am Alice", "csrfmiddlewaretoken": token}
    assert browser.post(f"/chats/{chat.room_name}/", form).status_code == 403
    assert not Message.objects.exists()


def log_in(browser: Client, user: User) -> None:
    user.set_password("a long enough secret")
    user.save()
    token = browser.get("/accounts/login/").context["csrf_token"]
    form = {"login": user.username, "password": "a long enough secret", "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/login/", form).status_code == 302
