"""Account services."""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import transaction

from accounts.models import Profile, User
from accounts.services import (
    UsernameTaken,
    account_create,
    account_deactivate,
    account_reactivate,
    appearance_update,
    email_replace,
    profile_update,
)

pytestmark = pytest.mark.both_databases


def test_an_account_is_created_completely(db: None) -> None:
    dora = account_create(
        username="Dora",
        name="Dora",
        password="a long phrase",
        email="Dora@example.com",
        listed=False,
        language="ru",
    )
    assert (dora.username, dora.email, dora.is_staff, dora.is_active) == (
        "dora",
        "dora@example.com",
        False,
        True,
    )
    assert (dora.profile.listed, dora.profile.language, dora.profile.theme) == (False, "ru", "auto")
    assert [(address.email, address.primary, address.verified) for address in EmailAddress.objects.all()] == [
        ("dora@example.com", True, False)
    ]


def test_unknown_appearance_values_are_not_stored(db: None) -> None:
    profile = account_create(username="dora", name="Dora", language="xx", theme="pink").profile
    assert (profile.language, profile.theme) == ("", "auto")


@pytest.mark.parametrize("username", ["", "ab", "a" * 25, "дора", "do ra", "-dora"])
def test_an_invalid_username_is_rejected_by_the_service(db: None, username: str) -> None:
    with pytest.raises(ValidationError):
        account_create(username=username, name="Dora")


def test_a_taken_username_leaves_nothing_behind(alice: User) -> None:
    with pytest.raises(UsernameTaken), transaction.atomic():
        account_create(username="alice", name="Another", email="x@example.com")
    assert (User.objects.count(), Profile.objects.count(), EmailAddress.objects.count()) == (1, 1, 0)


def test_the_search_key_fits_its_column_whatever_the_name(db: None) -> None:
    widest = "\ufdfa" * 50  # one sign that decomposes into eighteen
    dora = account_create(username="d" * 24, name=widest)
    assert len(dora.profile.search_key) <= Profile._meta.get_field("search_key").max_length
    assert dora.profile.search_key.endswith("d" * 24)


def test_a_profile_update_writes_no_other_field(alice: User) -> None:
    stale = Profile.objects.get(user=alice)
    Profile.objects.filter(user=alice).update(listed=False)
    profile_update(profile=stale, name="Ali", about="Hello")
    alice.refresh_from_db()
    assert (alice.name, alice.profile.about, alice.profile.listed) == ("Ali", "Hello", False)


def test_one_appearance_setting_is_changed_without_the_other(alice: User) -> None:
    appearance_update(profile=alice.profile, theme="dark")
    appearance_update(profile=alice.profile, language="ru")
    profile = Profile.objects.get(user=alice)
    assert (profile.theme, profile.language) == ("dark", "ru")


def test_a_replaced_address_is_the_only_one(bob: User) -> None:
    email_replace(user=bob, email="New@example.com")
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["new@example.com"]


def test_suspending_can_be_undone(bob: User) -> None:
    account_deactivate(user=bob)
    account_reactivate(user=bob)
    assert User.objects.get(pk=bob.pk).is_active


def test_createsuperuser_creates_a_complete_account(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long phrase")
    call_command(
        "createsuperuser", "--no-input", "--username", "root", "--name", "The Operator", stdout=StringIO()
    )
    root = User.objects.get()
    assert (root.username, root.name, root.is_superuser, root.email) == ("root", "The Operator", True, "")
    assert (root.profile.listed, root.profile.search_key) == (False, "the operator root")
    assert root.check_password("a long phrase")
