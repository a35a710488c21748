"""Password hashing is bounded in concurrency, and overlong passwords are not hashed."""

import threading
import unicodedata
from typing import Any

import pytest
from django.contrib.auth import hashers as django_hashers
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from accounts import hashers
from accounts.models import User
from dm_project import settings as service

bounded = override_settings(PASSWORD_HASHERS=service.PASSWORD_HASHERS)
PASSWORD = "correct horse battery"


@pytest.fixture
def one_slot(monkeypatch: pytest.MonkeyPatch) -> threading.BoundedSemaphore:
    slots = threading.BoundedSemaphore(1)
    monkeypatch.setattr(hashers, "_slots", slots)
    monkeypatch.setattr(hashers, "SLOT_TIMEOUT_SECONDS", 0.01)
    return slots


def make_old_hash(password: str) -> str:
    """A hash with Django's default parameters."""
    return django_hashers.Argon2PasswordHasher().encode(password, "0123456789abcdefghijkl")


def test_every_hasher_of_the_service_is_bounded() -> None:
    with bounded:
        for hasher in django_hashers.get_hashers():
            assert type(hasher).__module__ == "accounts.hashers"
        made = django_hashers.make_password(PASSWORD)
    assert made.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def make(password: str) -> Any:
    return django_hashers.make_password(password)


def check_new(password: str) -> Any:
    return django_hashers.check_password(
        password, "argon2$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFi$" + "A" * 43
    )


def check_old(password: str) -> Any:
    return django_hashers.check_password(
        password, "argon2$argon2id$v=19$m=102400,t=2,p=8$MDEyMzQ1Njc4OWFi$" + "A" * 43
    )


def check_brought_along(password: str) -> Any:
    return django_hashers.check_password(password, "pbkdf2_sha256$1$0123456789ab$" + "A" * 44)


def check_unusable(password: str) -> Any:
    return django_hashers.check_password(password, "!unusable")


@pytest.mark.parametrize("way", [make, check_new, check_old, check_brought_along, check_unusable])
@bounded
def test_every_hash_waits_for_a_slot(way: Any, one_slot: threading.BoundedSemaphore) -> None:
    with one_slot, pytest.raises(hashers.HashingBusy):
        way(PASSWORD)
    way(PASSWORD)
    assert one_slot.acquire(blocking=False), "the slot was released"


@pytest.mark.parametrize("way", [make, check_new, check_old, check_brought_along])
@bounded
def test_an_overlong_password_is_rejected_before_it_waits(
    way: Any, one_slot: threading.BoundedSemaphore
) -> None:
    with one_slot, pytest.raises(ValidationError, match="at most 1024 characters"):
        way("x" * (hashers.PASSWORD_MAX + 1))


@pytest.mark.django_db
@bounded
def test_an_old_hash_is_still_valid_and_is_upgraded(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(password=make_old_hash(PASSWORD))
    assert Client().post("/accounts/login/", {"login": "alice", "password": PASSWORD}).status_code == 302
    alice.refresh_from_db()
    assert "$m=19456,t=2,p=1$" in alice.password
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize("form", ["composed", "decomposed"])
@pytest.mark.django_db
@bounded
def test_login_succeeds_also_when_no_slot_is_free_to_upgrade_the_hash(
    form: str, alice: User, one_slot: threading.BoundedSemaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later login upgrades the hash."""
    password = unicodedata.normalize("NFC" if form == "composed" else "NFD", "grüner Käse über alles")
    kept = make_old_hash(password)
    User.objects.filter(pk=alice.pk).update(password=kept)

    def refuse(self: Any, password: str, salt: str) -> str:
        raise hashers.HashingBusy

    with monkeypatch.context() as busy:
        busy.setattr(hashers.BoundedArgon2, "encode", refuse)
        assert Client().post("/accounts/login/", {"login": "alice", "password": password}).status_code == 302
    alice.refresh_from_db()
    assert alice.password == kept
    assert Client().post("/accounts/login/", {"login": "alice", "password": password}).status_code == 302
    alice.refresh_from_db()
    assert "$m=19456,t=2,p=1$" in alice.password


FORMS = {
    "/accounts/login/": {"login": "alice", "password": "not this one"},
    "/accounts/signup/": {"username": "newcomer", "name": "New", "password1": "a new long phrase"},
    "/accounts/password/change/": {"oldpassword": "not this one", "password1": "a new long phrase"},
    "/accounts/reauthenticate/": {"password": "not this one"},
}


@pytest.mark.parametrize("page", FORMS)
@pytest.mark.parametrize("login", ["alice", "nobody-at-all"])
@bounded
def test_a_form_without_a_free_slot_answers_503_with_retry_after(
    page: str, login: str, alice: User, client_of: Any, one_slot: threading.BoundedSemaphore
) -> None:
    """The same with and without an account."""
    User.objects.filter(pk=alice.pk).update(password=make_old_hash(PASSWORD))
    is_inside = page in {"/accounts/password/change/", "/accounts/reauthenticate/"}
    browser = client_of(User.objects.get(pk=alice.pk) if is_inside else None)
    fields = {**FORMS[page], **({"login": login} if page == "/accounts/login/" else {})}
    with one_slot:
        answer = browser.post(page, fields)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert not User.objects.filter(username="newcomer").exists()


@pytest.mark.parametrize("page", FORMS)
@bounded
def test_a_form_rejects_an_overlong_password_with_an_error(
    page: str, alice: User, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: Any, **values: Any) -> None:
        raise AssertionError("hashed")

    is_inside = page in {"/accounts/password/change/", "/accounts/reauthenticate/"}
    browser = client_of(alice if is_inside else None)
    long = "x" * 20_000
    fields = {name: long if "password" in name else value for name, value in FORMS[page].items()}
    monkeypatch.setattr(django_hashers.Argon2PasswordHasher, "encode", fail)
    monkeypatch.setattr(django_hashers.Argon2PasswordHasher, "verify", fail)
    answer = browser.post(page, fields)
    assert answer.status_code == 200
    assert "at most 1024 characters" in answer.content.decode()
