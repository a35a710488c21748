"""Session secrets: any password change revokes sessions, a hash upgrade does not."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as configured
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, aauthenticate
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher, make_password
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from accounts.hashers import BoundedArgon2
from accounts.models import User
from accounts.services import account_create, password_link
from accounts.session_validity import SessionStatus, credential_of, session_status
from accounts.sessions import SessionStore
from dm_project import settings as service
from tests.accounts.conftest import PASSWORD

ClientOf = Callable[[User | None], Client]
LETTERS = "ein langes Geständnis"
NFC, NFD = unicodedata.normalize("NFC", LETTERS), unicodedata.normalize("NFD", LETTERS)
OTHER = "another horse battery"
SALT = "0123456789abcdefghijkl"


class OtherParameters(Argon2PasswordHasher):
    """Argon2 as in an imported hash. Django's own 100 MiB would be most of the time of these tests."""

    memory_cost, parallelism = 512, 8


# Reasons for an outdated hash, each with the password as typed.
OLD_HASHES: dict[str, tuple[Callable[[], str], str]] = {
    "other parameters": (lambda: OtherParameters().encode(PASSWORD, SALT), PASSWORD),
    "another hasher": (lambda: PBKDF2PasswordHasher().encode(PASSWORD, SALT, 1), PASSWORD),
    "another Unicode form": (lambda: make_password(NFD), NFD),
    "both": (lambda: OtherParameters().encode(NFD, SALT), NFD),
}


@pytest.fixture(params=OLD_HASHES)
def old(request: Any, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[User, str]:
    """Alice with an old hash, and the password as she types it."""
    settings.PASSWORD_HASHERS = service.PASSWORD_HASHERS
    # The hash must be of the service, not as slow as there (tests/accounts/test_hashers.py).
    monkeypatch.setattr(BoundedArgon2, "memory_cost", 256)
    made, typed = OLD_HASHES[request.param]
    alice = account_create(username="alice", name="Alice", password=PASSWORD)
    User.objects.filter(pk=alice.pk).update(password=made())
    alice.refresh_from_db()
    return alice, typed


def key_of(client: Client) -> str:
    return str(client.cookies[configured.SESSION_COOKIE_NAME].value)


def is_in(client: Client) -> bool:
    return client.get("/api/v1/me").status_code == 200


def log_in(password: str) -> Client:
    browser = Client()
    browser.post("/accounts/login/", {"login": "alice", "password": password})
    return browser


def log_in_elsewhere(browser: Client, typed: str) -> None:
    assert is_in(log_in(typed))


def confirm_who_she_is(browser: Client, typed: str) -> None:
    assert browser.post("/accounts/reauthenticate/", {"password": typed}).status_code == 302


def begin_to_change_it(browser: Client, typed: str) -> None:
    assert (
        browser.post("/accounts/password/change/", {"oldpassword": typed, "password1": "1"}).status_code
        == 200
    )


def ask_from_async_code(browser: Client, typed: str) -> None:
    assert async_to_sync(aauthenticate)(None, username="alice", password=typed)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "way", [log_in_elsewhere, confirm_who_she_is, begin_to_change_it, ask_from_async_code]
)
def test_a_hash_upgrade_ends_no_session(
    way: Callable[[Client, str], None], old: tuple[User, str], client_of: ClientOf
) -> None:
    alice, typed = old
    here, there = client_of(alice), client_of(alice)
    sockets = [credential_of(alice, key_of(browser)) for browser in (here, there)]
    way(here, typed)
    before, now = alice.password, User.objects.get(pk=alice.pk)
    assert now.password != before, "replaced"
    assert now.check_password(unicodedata.normalize("NFC", typed))
    assert [session_status(credential) for credential in sockets] == [SessionStatus.VALID] * 2
    assert is_in(here)
    assert is_in(there)


def test_several_hash_upgrades_end_no_session(
    old: tuple[User, str], client_of: ClientOf, settings: Any
) -> None:
    alice, typed = old
    there = client_of(alice)
    log_in_elsewhere(there, typed)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *service.PASSWORD_HASHERS]
    log_in_elsewhere(there, typed)
    assert User.objects.get(pk=alice.pk).password.startswith("md5$")
    assert is_in(there)


def change(alice: User) -> None:
    browser = log_in(PASSWORD)
    assert (
        browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": OTHER}).status_code
        == 302
    )
    assert is_in(browser), "the acting session stays valid"


def reset_by_link(alice: User) -> None:
    browser = Client()
    form = browser.get(password_link(user=alice))["Location"]
    assert browser.post(form, {"password1": OTHER}).status_code == 302


def set_it_in_the_administration(alice: User) -> None:
    chief = Client()
    chief.force_login(
        User.objects.create_superuser("chief", None, OTHER), backend=configured.AUTHENTICATION_BACKENDS[0]
    )
    page = f"/admin/accounts/user/{alice.pk}/password/"
    assert (
        chief.post(page, {"usable_password": "true", "password1": OTHER, "password2": OTHER}).status_code
        == 302
    )
    assert is_in(chief)


def take_it_away(alice: User) -> None:
    alice.set_unusable_password()
    alice.save()


def set_it_in_a_shell(alice: User) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("getpass.getpass", lambda *args, **values: OTHER)
        call_command("changepassword", "alice")


def set_the_field_alone(alice: User) -> None:
    alice.set_password(OTHER)
    alice.save(update_fields=["password"])


def set_the_same_once_more(alice: User) -> None:
    alice.set_password(PASSWORD)
    alice.save()


def write_the_hash(alice: User) -> None:
    """As another program does, or a process of the previous release."""
    User.objects.filter(pk=alice.pk).update(password=make_password(OTHER))


@pytest.mark.both_databases
@pytest.mark.parametrize("is_renewed", [False, True], ids=["", "after another hash of the same"])
@pytest.mark.parametrize(
    "way",
    [
        change,
        reset_by_link,
        set_it_in_the_administration,
        take_it_away,
        set_it_in_a_shell,
        set_the_field_alone,
        set_the_same_once_more,
        write_the_hash,
    ],
)
def test_another_password_ends_all_other_sessions(
    way: Callable[[User], None], is_renewed: bool, alice: User, client_of: ClientOf, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = [
        *settings.PASSWORD_HASHERS,
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    if is_renewed:
        User.objects.filter(pk=alice.pk).update(
            password=PBKDF2PasswordHasher().encode(PASSWORD, SALT, 1), session_binding=""
        )
        alice.refresh_from_db()
    one, two = client_of(alice), client_of(alice)
    if is_renewed:
        log_in_elsewhere(one, PASSWORD)
        alice.refresh_from_db()
    socket = credential_of(alice, key_of(one))
    assert session_status(socket) is SessionStatus.VALID
    way(User.objects.get(pk=alice.pk))
    assert session_status(socket) is SessionStatus.REVOKED
    assert not is_in(one)
    assert not is_in(two)


def test_a_password_set_during_a_log_in_is_not_undone_by_its_hash(
    old: tuple[User, str], client_of: ClientOf
) -> None:
    """A login with the old password was verified and waits for a hashing slot."""
    alice, typed = old
    late = User.objects.get(pk=alice.pk)
    alice.set_password(OTHER)
    alice.save()
    assert late.check_password(typed)
    assert User.objects.get(pk=alice.pk).check_password(OTHER)
    assert not is_in(client_of(late)), "the session of the late login is invalid"


@pytest.mark.both_databases
def test_secret_keys_may_change_before_and_after_a_hash_upgrade(
    old: tuple[User, str], client_of: ClientOf, settings: Any
) -> None:
    alice, typed = old
    first, idle = client_of(alice), client_of(alice)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "a second secret key, long enough for it",
    )
    log_in_elsewhere(first, typed)
    assert is_in(first), "signed with the second key from now on"
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "a third secret key, long enough for it",
    )
    assert is_in(first)
    assert not is_in(idle), "the first key is no longer in the fallbacks"


def test_nothing_of_an_old_hash_stays_where_the_password_was_set_since(alice: User, settings: Any) -> None:
    """Weak hashes are replaced, so that a stolen database does not contain them."""
    before = alice.password
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert alice.check_password(PASSWORD)
    alice.refresh_from_db()
    assert alice.password.startswith("pbkdf2")
    assert before not in alice.session_binding


def test_a_credential_prints_no_secret(alice: User) -> None:
    words = repr(credential_of(alice, "k" * 32))
    assert words == f"Credential(user_id={alice.pk})"


@pytest.fixture
def before_the_migration(transactional_db: None) -> Iterator[Any]:
    """The account model of the previous version; restores the tables afterwards."""

    def go(name: str) -> Any:
        executor = MigrationExecutor(connection)
        return executor.migrate([("accounts", name)]).apps

    try:
        yield go("0005_fold_search_keys")
    finally:
        go("0006_session_binding")


@pytest.mark.both_databases
def test_sessions_from_before_the_migration_stay_valid(before_the_migration: Any, settings: Any) -> None:
    settings.PASSWORD_HASHERS = [
        *settings.PASSWORD_HASHERS,
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    made = PBKDF2PasswordHasher().encode(PASSWORD, SALT, 1)
    account = before_the_migration.get_model("accounts", "User").objects.create(
        username="alice", name="Alice", password=made
    )
    before_the_migration.get_model("accounts", "Profile").objects.create(user=account)
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = (
        str(account.pk),
        configured.AUTHENTICATION_BACKENDS[0],
    )
    # Django's format, as the previous version stored it.
    session[HASH_SESSION_KEY] = AbstractBaseUser.get_session_auth_hash(User(password=made))
    session.save()

    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    browser = Client()
    browser.cookies[configured.SESSION_COOKIE_NAME] = str(session.session_key)
    alice = User.objects.get(pk=account.pk)
    socket = credential_of(alice, str(session.session_key))
    assert is_in(browser)
    log_in_elsewhere(browser, PASSWORD)
    alice.refresh_from_db()
    assert alice.password != made
    assert is_in(browser)
    assert session_status(socket) is SessionStatus.VALID
    alice.set_password(OTHER)
    alice.save()
    assert not is_in(browser)
    assert session_status(socket) is SessionStatus.REVOKED
