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
from accounts.usernames import skeleton
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


def test_her_old_one_waits_for_her_and_for_nobody_else(
    browser: Client, alice: User, sign_up: Any, bob: User
) -> None:
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


@pytest.mark.parametrize(
    "username", ["bob", "BOB", "adm1n", "ab", "a" * 25, "Алиса", "a b", "", "-a", "a\0b"]
)
def test_what_cannot_be_hers_stays_in_the_form_with_a_sentence(
    browser: Client, alice: User, bob: User, username: str
) -> None:
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
def test_a_handle_is_tried_while_it_is_typed(browser: Client, bob: User, username: str, free: bool) -> None:
    answer = browser.post(CHECK, {"username": username}).json()
    assert answer["free"] is free
    assert bool(answer["says"]) is (username != "alice")


def test_trying_has_a_limit(browser: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"username_check": "3/m/user"}
    assert [browser.post(CHECK, {"username": "x" * 5}).status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("username", ["b0b", "b_o_b", "8ob", "bo.b"])
def test_what_looks_like_somebody_else_is_refused_at_every_door(
    browser: Client, bob: User, sign_up: Any, username: str
) -> None:
    """Whoever is written to by a look-alike believes it is the other one (safety.md T61)."""
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


def test_nor_may_anybody_imitate_a_handle_that_is_held(browser: Client, sign_up: Any) -> None:
    save(browser, "somebody.else")
    assert list(errors_of(sign_up(by=Client(), username="a1ice"))) == ["username"]
    assert save(browser, "a1ice").status_code == 303, "it is her own"


def test_names_that_only_share_their_strokes_live_side_by_side(browser: Client, sign_up: Any) -> None:
    for username in ("mali", "mall", "apl", "nuii"):
        assert sign_up(by=Client(), username=username).status_code == 302


def test_who_has_a_look_alike_from_before_keeps_it(browser: Client, alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(username="b0b", skeleton=skeleton("b0b"))
    assert save(browser, "b0b").status_code == 303


def test_an_administrator_who_is_made_on_the_command_line_is_looked_at_too(db: None, sign_up: Any) -> None:
    User.objects.create_superuser("zenobia", None, "x")
    assert list(errors_of(sign_up(by=Client(), username="zen0bia"))) == ["username"]


def test_one_account_keeps_five_left_handles_from_others_and_is_told_how_long(
    browser: Client, alice: User, sign_up: Any
) -> None:
    for number in range(1, 6):
        assert save(browser, f"alice.number.{'abcde'[number - 1]}").status_code == 303
    refused = save(browser, "alice.number.f")
    assert refused.context["form"].errors == {
        "username": ["Too many of your earlier usernames are still reserved for you. Wait 90 days."]
    }
    assert (refused.status_code, int(refused["Retry-After"]) > 89 * 86400) == (429, True)
    assert save(browser, "alice").status_code == 303, "back to one of her own there is always a way"
    assert HeldUsername.objects.filter(user=alice).count() == 5
    HeldUsername.objects.filter(username="alice.number.a").update(until=timezone.now())
    assert save(browser, "alice.number.f").status_code == 303


def test_renaming_has_a_limit_a_day_and_tells_the_true_wait(browser: Client, settings: Any) -> None:
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
    assert save(browser, "alice").status_code == 303, "what stays as it is costs nothing"


def test_changing_the_name_has_a_limit_too(browser: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"name_change": "1/h/user"}
    answers = [
        browser.post("/settings/profile/", {"only": "name", "name": name}) for name in ("Al", "Al", "Alma")
    ]
    assert [answer.status_code for answer in answers] == [303, 303, 429]


def test_strangers_try_nothing(client: Client, db: None) -> None:
    assert client.post(CHECK, {"username": "bob"}).status_code == 302
