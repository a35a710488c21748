"""Passwords are accepted in every Unicode normal form."""

import unicodedata
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import get_hasher, make_password
from django.test import Client

from accounts.hashers import PASSWORD_MAX
from accounts.models import User
from accounts.passwords import normalize_password
from accounts.services import account_create
from tests.accounts.conftest import errors_of, is_signed_in

WORDS = "grüner Käse ﬁnden über alles ①"
FORMS = {form: unicodedata.normalize(form, WORDS) for form in ("NFC", "NFD", "NFKC", "NFKD")}


def log_in(password: str, login: str = "alice") -> Client:
    browser = Client()
    browser.post("/accounts/login/", {"login": login, "password": password})
    return browser


@pytest.fixture
def alice(db: None) -> User:
    return account_create(username="alice", name="Alice", password=WORDS)


@pytest.mark.parametrize("form", FORMS)
def test_login_accepts_every_normal_form(alice: User, form: str) -> None:
    assert is_signed_in(log_in(FORMS[form]))


@pytest.mark.parametrize("form", FORMS)
def test_every_other_form_accepts_every_normal_form(alice: User, form: str, sign_up: Any) -> None:
    sign_up(by=Client(), password1=FORMS[form])
    browser = log_in(FORMS["NFD"], "carol")
    assert browser.post("/accounts/reauthenticate/", {"password": FORMS[form]}).status_code == 302
    changed = browser.post(
        "/accounts/password/change/", {"oldpassword": FORMS[form], "password1": FORMS[form] + " neu"}
    )
    assert changed.status_code == 302
    assert is_signed_in(log_in(FORMS["NFC"] + " neu", "carol"))
    User.objects.create_superuser("chief", None, FORMS[form])
    assert is_signed_in(log_in(FORMS["NFD"], "chief"))


def test_an_old_hash_of_an_unnormalized_password_is_valid_and_replaced(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(password=make_password(FORMS["NFD"]))
    assert not is_signed_in(log_in(FORMS["NFC"])), "the form at that time is unknown"
    assert is_signed_in(log_in(FORMS["NFD"]))
    assert is_signed_in(log_in(FORMS["NFC"]))


@pytest.mark.parametrize("typed", [FORMS["NFC"] + "x", FORMS["NFD"] + "x", "a plain wrong guess"])
def test_a_wrong_password_costs_the_same_hashes_for_every_login(alice: User, typed: str) -> None:
    kind, counts = type(get_hasher()), []
    User.objects.filter(pk=account_create(username="bob", name="Bob").pk).update(is_active=False)
    for login in ("alice", "nobody", "nobody@example.com", "bob"):
        with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
            assert not is_signed_in(log_in(typed, login))
        counts.append(hashing.call_count)
    assert len(set(counts)) == 1, counts


def test_overlong_input_is_not_normalized() -> None:
    marks = "e" + "\u0301\u0323" * PASSWORD_MAX
    assert normalize_password(marks) is marks


@pytest.mark.parametrize("password", ["e\u0301" * 5, "\ufdfa"])
def test_an_accent_makes_no_password_longer(sign_up: Any, password: str) -> None:
    assert errors_of(sign_up(password1=password)) == {
        "password1": ["Use a password of at least 10 characters."]
    }


@pytest.mark.parametrize("password", ["１２３４５６７８９１", "ｂａｓｋｅｔｂａｌｌ"])
def test_full_width_letters_do_not_hide_a_weak_password(sign_up: Any, password: str) -> None:
    assert list(errors_of(sign_up(password1=password))) == ["password1"]
