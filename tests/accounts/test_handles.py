"""Changing the username, holds on former usernames, and the availability check."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import HeldUsername, User
from accounts.usernames import skeleton
from tests.accounts.conftest import errors_of

CHECK = "/settings/profile/username/"


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def save(browser: Client, username: str) -> Any:
    return browser.post("/settings/profile/", {"name": "Alice", "username": username, "about": ""})


def test_alice_changes_her_username_and_is_found_by_it(browser: Client, alice: User) -> None:
    assert save(browser, " @Alice.A ").status_code == 303
    alice.refresh_from_db()
    assert (alice.username, alice.profile.search_key) == ("alice.a", "alice alice.a")


def test_her_former_username_is_held_for_her_only(
    browser: Client, alice: User, sign_up: Any, bob: User
) -> None:
    """A contact who still uses the old one must not reach a stranger."""
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


@pytest.mark.parametrize(
    "username", ["bob", "BOB", "adm1n", "ab", "a" * 25, "Алиса", "a b", "", "-a", "a\0b"]
)
def test_an_unavailable_username_is_rejected_with_an_error(
    browser: Client, alice: User, bob: User, username: str
) -> None:
    answer = save(browser, username)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["username"])
    assert User.objects.filter(username="alice").exists()
    assert "@alice" in answer.text, "the page around the form still shows her current username"


def test_her_current_username_is_always_accepted(browser: Client, alice: User) -> None:
    """The first administrator may be called "admin"."""
    User.objects.update(username="admin")
    assert save(browser, "admin").status_code == 303
    assert not HeldUsername.objects.exists()


def test_a_username_taken_while_saving_is_a_form_error(browser: Client, alice: User) -> None:
    with patch.object(services, "profile_update", side_effect=IntegrityError):
        answer = save(browser, "alice.a")
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["username"])


@pytest.mark.parametrize(
    ("username", "free"),
    [
        ("alice.a", True),
        ("@Alice.A", True),
        ("alice", True),
        ("bob", False),
        ("support", False),
        ("ab", False),
        ("a b", False),
    ],
)
def test_availability_is_checked_while_typing(browser: Client, bob: User, username: str, free: bool) -> None:
    answer = browser.post(CHECK, {"username": username}).json()
    assert answer["free"] is free
    assert bool(answer["says"]) is (username != "alice")


def test_availability_checks_are_rate_limited(browser: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"username_check": "3/m/user"}
    assert [browser.post(CHECK, {"username": "x" * 5}).status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("username", ["b0b", "b_o_b", "8ob", "bo.b"])
def test_a_look_alike_is_rejected_everywhere(browser: Client, bob: User, sign_up: Any, username: str) -> None:
    """A recipient would take the look-alike for the original (docs/threats.md T61)."""
    sentence = "This username looks too much like another one. Choose another one."
    assert errors_of(sign_up(by=Client(), username=username)) == {"username": [sentence]}
    assert save(browser, username).context["form"].errors == {"username": [sentence]}
    assert browser.post(CHECK, {"username": username}).json() == {
        "username": username,
        "free": False,
        "says": sentence,
    }
    with pytest.raises(services.UsernameTaken):
        services.account_create(username=username, name="B")


def test_a_held_username_cannot_be_imitated(browser: Client, sign_up: Any) -> None:
    save(browser, "somebody.else")
    assert list(errors_of(sign_up(by=Client(), username="a1ice"))) == ["username"]
    assert save(browser, "a1ice").status_code == 303, "she may take a look-alike of her own username"


def test_usernames_that_only_share_an_index_key_coexist(browser: Client, sign_up: Any) -> None:
    for username in ("mali", "mall", "apl", "nuii"):
        assert sign_up(by=Client(), username=username).status_code == 302


def test_an_existing_look_alike_keeps_its_username(browser: Client, alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(username="b0b", skeleton=skeleton("b0b"))
    assert save(browser, "b0b").status_code == 303


def test_a_superuser_from_the_command_line_counts_for_look_alikes(db: None, sign_up: Any) -> None:
    User.objects.create_superuser("zenobia", None, "x")
    assert list(errors_of(sign_up(by=Client(), username="zen0bia"))) == ["username"]


def test_one_account_holds_at_most_five_former_usernames(browser: Client, alice: User, sign_up: Any) -> None:
    for number in range(1, 6):
        assert save(browser, f"alice.number.{'abcde'[number - 1]}").status_code == 303
    refused = save(browser, "alice.number.f")
    assert refused.context["form"].errors == {
        "username": ["Too many of your earlier usernames are still reserved for you. Wait 90 days."]
    }
    assert (refused.status_code, int(refused["Retry-After"]) > 89 * 86400) == (429, True)
    assert save(browser, "alice").status_code == 303, "she can always return to a held username"
    assert HeldUsername.objects.filter(user=alice).count() == 5
    HeldUsername.objects.filter(username="alice.number.a").update(until=timezone.now())
    assert save(browser, "alice.number.f").status_code == 303


def test_username_changes_are_limited_and_the_error_states_the_wait(browser: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"username_change": "2/d/user"}
    assert [save(browser, name).status_code for name in ("alice.a", "alice", "alice.a")] == [303, 303, 429]
    refused = browser.post(
        "/settings/profile/",
        {"only": "username", "username": "alice.b"},
        headers={"accept": "application/json"},
    )
    assert (refused.status_code, refused["Retry-After"]) == (429, "86400")
    assert refused.json()["errors"] == {
        "username": ["Your username has changed too often today. Wait 24 hours."]
    }
    assert save(browser, "alice").status_code == 303, "an unchanged username does not count"


def test_name_changes_are_rate_limited(browser: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"name_change": "1/h/user"}
    answers = [
        browser.post("/settings/profile/", {"only": "name", "name": name}) for name in ("Al", "Al", "Alma")
    ]
    assert [answer.status_code for answer in answers] == [303, 303, 429]


def test_visitors_cannot_check_availability(client: Client, db: None) -> None:
    assert client.post(CHECK, {"username": "bob"}).status_code == 302
