"""Changing one's handle, and asking whether one is free."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import HeldUsername, User
from tests.accounts.conftest import errors_of

CHECK = "/settings/profile/username/"


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def save(browser: Client, username: str) -> Any:
    return browser.post("/settings/profile/", {"name": "Alice", "username": username, "about": ""})


def test_alice_takes_another_handle_and_is_found_by_it(browser: Client, alice: User) -> None:
    assert save(browser, " @Alice.A ").status_code == 303
    alice.refresh_from_db()
    assert (alice.username, alice.profile.search_key) == ("alice.a", "alice alice.a")


def test_her_old_one_waits_for_her_and_for_nobody_else(browser: Client, alice: User, sign_up: Any, bob: User) -> None:
    """Whoever still knows the old one must not reach a stranger under it."""
    save(browser, "alice.a")
    assert list(errors_of(sign_up(by=Client(), username="alice"))) == ["username"]
    theirs = Client()
    theirs.force_login(bob)
    assert save(theirs, "alice").status_code == 422
    assert save(browser, "alice").status_code == 303


def test_after_ninety_days_it_is_free(browser: Client, alice: User, sign_up: Any) -> None:
    save(browser, "alice.a")
    HeldUsername.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert sign_up(by=Client(), username="alice").status_code == 302


@pytest.mark.parametrize("username", ["bob", "BOB", "adm1n", "ab", "a" * 25, "Алиса", "a b", "", "-a", "a\0b"])
def test_what_cannot_be_hers_stays_in_the_form_with_a_sentence(browser: Client, alice: User, bob: User, username: str) -> None:
    answer = save(browser, username)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["username"])
    assert User.objects.filter(username="alice").exists()
    assert "@alice" in answer.text, "the page around the form still shows the handle she has"


def test_what_she_has_is_never_refused_to_her(browser: Client, alice: User) -> None:
    """The first administrator may be called "admin"."""
    User.objects.update(username="admin")
    assert save(browser, "admin").status_code == 303
    assert not HeldUsername.objects.exists()


def test_two_who_want_the_same_at_once(browser: Client, alice: User) -> None:
    with patch.object(services, "profile_update", side_effect=IntegrityError):
        answer = save(browser, "alice.a")
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["username"])


@pytest.mark.parametrize(
    ("username", "free"),
    [("alice.a", True), ("@Alice.A", True), ("alice", True), ("bob", False), ("support", False), ("ab", False), ("a b", False)],
)
def test_a_handle_is_tried_while_it_is_typed(browser: Client, bob: User, username: str, free: bool) -> None:
    answer = browser.post(CHECK, {"username": username}).json()
    assert answer["free"] is free
    assert bool(answer["says"]) is (username != "alice")


def test_trying_has_a_limit(browser: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"username_check": "3/m/user"}
    assert [browser.post(CHECK, {"username": "x" * 5}).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_strangers_try_nothing(client: Client, db: None) -> None:
    assert client.post(CHECK, {"username": "bob"}).status_code == 302
