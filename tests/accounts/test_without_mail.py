"""A server without email, the default."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail as mailbox
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import PASSWORD, HashesOfLogin, errors_of, is_signed_in

SignUp = Callable[..., HttpResponse]


def test_signing_up_with_an_address_logs_in(sign_up: SignUp, client: Client) -> None:
    assert not settings.MAIL_CONFIGURED
    assert sign_up(email="carol@example.com")["Location"] == "/chats/"
    assert is_signed_in(client)
    assert mailbox.outbox == []


def test_a_taken_address_is_not_revealed_and_stays_with_its_owner(
    sign_up: SignUp, bob: User, hashes_of_login: HashesOfLogin
) -> None:
    """Enumeration (docs/threats.md T23); a login by email costs one hash, however many accounts claim it."""
    for number in range(3):
        browser = Client()
        assert (
            sign_up(
                browser, username=f"carol{number}", email="BOB@example.com", password1="another long phrase"
            )["Location"]
            == "/chats/"
        )
        assert (
            "bob@example.com"
            not in browser.get("/settings/account/").text + browser.get("/accounts/email/").text
        )
    assert hashes_of_login("bob@example.com", PASSWORD) == (302, 1)
    assert hashes_of_login("bob@example.com", "another long phrase") == (200, 1)
    assert EmailAddress.objects.get().user == bob


def test_changing_to_a_taken_address_reveals_nothing(bob: User, mallory: User) -> None:
    answers = []
    for email in ("bob@example.com", "new@example.com"):
        client = Client()
        client.post("/accounts/login/", {"login": "mallory", "password": PASSWORD})
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        answer = client.post("/accounts/email/", {"email": email, "action_add": ""}, follow=True)
        answers.append((answer.status_code, answer.redirect_chain, re.sub(r"\b\w{64}\b", "", answer.text)))
    assert answers[0] == answers[1]
    assert EmailAddress.objects.get(email="bob@example.com").user == bob


def test_no_page_promises_email(client: Client, bob: User) -> None:
    pages = {
        path: client.get(path).text
        for path in ("/accounts/signup/", "/accounts/confirm-email/", "/accounts/password/reset/done/")
    }
    client.force_login(bob)
    pages |= {path: client.get(path).text for path in ("/settings/account/", "/accounts/email/")}
    for path, page in pages.items():
        for promise in (
            "Email (optional)",
            "reset your password if you forget",
            "Check your email",
            "we have sent",
            "We sent",
            "bob@",
        ):
            assert promise not in page, path
    assert "This server can’t send email" in pages["/accounts/email/"]


@pytest.mark.parametrize("email", ["bob@example.com", "nobody@example.com"])
def test_a_password_reset_refers_to_the_administrator(client: Client, bob: User, email: str) -> None:
    sentence = "This server can’t send email. Ask its administrator for a one-time link."
    assert errors_of(client.post("/accounts/password/reset/", {"email": email})) == {"__all__": [sentence]}


def test_a_new_address_replaces_the_old_one(client: Client, bob: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # would fail if anything were sent
    client.post("/accounts/login/", {"login": "bob", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert (
        client.post("/accounts/email/", {"email": "New@example.com", "action_add": ""})["Location"]
        == "/accounts/email/"
    )
    bob.refresh_from_db()
    assert bob.email == "new@example.com"
    assert [(address.email, address.primary) for address in EmailAddress.objects.all()] == [
        ("new@example.com", True)
    ]
    assert (
        Client().post("/accounts/login/", {"login": "new@example.com", "password": PASSWORD})["Location"]
        == "/chats/"
    )


def test_an_overlong_address_is_rejected_by_the_form(client: Client, bob: User) -> None:
    client.post("/accounts/login/", {"login": "bob", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    long = f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.com"
    assert client.post("/accounts/email/", {"email": long, "action_add": ""}).status_code == 200
    assert EmailAddress.objects.get().email == "bob@example.com"
