"""The server as it starts: no mail account, and nothing that waits for one."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail as letters
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import PASSWORD, errors_of, is_signed_in

SignUp = Callable[..., HttpResponse]


def test_signing_up_with_an_address_signs_in(sign_up: SignUp, client: Client) -> None:
    assert not settings.MAIL_CONFIGURED
    assert sign_up(email="carol@example.com")["Location"] == "/chats/"
    assert is_signed_in(client)
    assert letters.outbox == []


def test_a_taken_address_is_not_told(sign_up: SignUp, bob: User) -> None:
    """Enumeration (safety.md T23): two accounts may claim one unproven address; each comes in with its own password."""
    assert sign_up(email="bob@example.com", password1="another long phrase")["Location"] == "/chats/"
    for password, username in ((PASSWORD, "bob"), ("another long phrase", "carol")):
        browser = Client()
        browser.post("/accounts/login/", {"login": "bob@example.com", "password": password})
        assert browser.session["_auth_user_id"] == str(User.objects.get(username=username).pk)


@pytest.mark.parametrize("email", ["bob@example.com", "nobody@example.com"])
def test_asking_for_a_new_password_says_whom_to_ask(client: Client, bob: User, email: str) -> None:
    sentence = "This server can’t send email. Ask its administrator for a one-time link."
    assert errors_of(client.post("/accounts/password/reset/", {"email": email})) == {"__all__": [sentence]}


def test_a_new_address_takes_the_place_of_the_old_one(client: Client, bob: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # would fail if anything were sent
    client.post("/accounts/login/", {"login": "bob", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.post("/accounts/email/", {"email": "New@example.com", "action_add": ""})["Location"] == "/accounts/email/"
    bob.refresh_from_db()
    assert bob.email == "new@example.com"
    assert [(address.email, address.primary) for address in EmailAddress.objects.all()] == [("new@example.com", True)]
    assert Client().post("/accounts/login/", {"login": "new@example.com", "password": PASSWORD})["Location"] == "/chats/"


def test_an_overlong_address_is_refused_before_the_database_sees_it(client: Client, bob: User) -> None:
    client.post("/accounts/login/", {"login": "bob", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    long = f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.com"
    assert client.post("/accounts/email/", {"email": long, "action_add": ""}).status_code == 200
    assert EmailAddress.objects.get().email == "bob@example.com"
