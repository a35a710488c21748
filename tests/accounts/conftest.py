"""Fixtures for accounts: alice, bob and mallory created by the service; sign-up and log-in."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import get_hasher
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.services import account_create

PASSWORD = "correct horse battery"
HashesOfLogin = Callable[[str, str], tuple[int, int]]


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


@pytest.fixture
def hashes_of_login() -> HashesOfLogin:
    """Logs in from a new browser. Returns the status of the response and the number of password hashes."""

    def log_in(login: str, password: str) -> tuple[int, int]:
        kind = type(get_hasher())
        with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
            response = Client().post("/accounts/login/", {"login": login, "password": password})
        return response.status_code, hashing.call_count

    return log_in
