"""Fixtures for accounts: alice, bob and mallory created by the service, and a server with email."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.services import account_create

PASSWORD = "correct horse battery"


@pytest.fixture
def alice(db: None) -> User:
    return account_create(username="alice", name="Alice Ávila", password=PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    return account_create(username="bob", name="Bob", password=PASSWORD, email="bob@example.com")


@pytest.fixture
def mallory(db: None) -> User:
    return account_create(username="mallory", name="Mallory", password=PASSWORD)


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


@pytest.fixture
def mail(settings: Any) -> None:
    """Settings as EMAIL_URL sets them (tests/project/test_settings.py compares the values)."""
    settings.MAIL_CONFIGURED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
    settings.ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True


@pytest.fixture
def sign_up(client: Client, db: None) -> Callable[..., HttpResponse]:
    """Post the sign-up form as Carol; pass the fields that differ."""

    def fill_in(by: Client = client, **fields: Any) -> HttpResponse:
        filled = {
            "username": "carol",
            "name": "Carol",
            "password1": PASSWORD,
            "email": "",
            "listed": "on",
            **fields,
        }
        return by.post(
            "/accounts/signup/", {name: value for name, value in filled.items() if value is not None}
        )

    return fill_in


def errors_of(response: HttpResponse) -> dict[str, list[str]]:
    """The errors of the form, by field."""
    assert response.status_code == 200, response
    return {name: list(errors) for name, errors in response.context["form"].errors.items()}


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session
