"""Login, logout, and the password change."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Profile, User
from accounts.services import account_create, account_deactivate, password_link
from tests.accounts.conftest import PASSWORD, errors_of, is_signed_in
from tests.accounts.test_redirects import FOREIGN

NO_MATCH = {"__all__": ["That username or password isn’t right."]}


def log_in(client: Client, login: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/accounts/login/", {"login": login, "password": password, **more})


@pytest.mark.parametrize("login", ["bob", "BOB", " bob ", "@Bob", "bob@example.com", "Bob@Example.com"])
def test_bob_logs_in_by_username_or_email(client: Client, bob: User, login: str) -> None:
    response = log_in(client, login)
    assert (response.status_code, response["Location"]) == (302, "/chats/")
    assert is_signed_in(client)


def test_bob_stays_logged_in_when_the_browser_is_closed(client: Client, bob: User, settings: Any) -> None:
    log_in(client, "bob")
    assert client.session.get_expire_at_browser_close() is False
    assert client.session.get_expiry_age() > settings.SESSION_COOKIE_AGE - 60


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("bob", "wrong"),
        ("nobody", PASSWORD),
        ("bob@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
        ("бob", PASSWORD),
    ],
)
def test_every_mismatch_gets_the_same_error(client: Client, bob: User, login: str, password: str) -> None:
    assert errors_of(log_in(client, login, password)) == NO_MATCH
    assert not is_signed_in(client)


def test_a_wrong_password_and_an_unknown_name_differ_in_nothing_but_what_was_typed(
    client: Client, bob: User
) -> None:
    """Enumeration (docs/threats.md T23)."""
    pages = [
        log_in(Client(), login, "wrong password").content.replace(login.encode(), b"#")
        for login in ("bob", "zzz")
    ]
    assert len(pages[0]) == len(pages[1])


def test_nul_and_overlong_input_are_mismatches_not_server_errors(client: Client, bob: User) -> None:
    assert log_in(client, "bo\x00b").status_code == 200
    assert log_in(client, "b" * 5000).status_code == 200
    assert log_in(client, "bob", "p" * 100_000).status_code == 200


def test_the_form_has_autocomplete_attributes(client: Client, db: None) -> None:
    fields = client.get("/accounts/login/").context["form"].fields
    assert list(fields) == ["login", "password"]
    assert fields["login"].widget.attrs["autocomplete"] == "username webauthn"
    assert fields["password"].widget.attrs["autocomplete"] == "current-password"
    assert not any("placeholder" in field.widget.attrs for field in fields.values())


def test_a_suspended_user_cannot_log_in(client: Client, bob: User) -> None:
    account_deactivate(user=bob)
    assert log_in(client, "bob")["Location"] == "/accounts/inactive/"
    assert not is_signed_in(client)


def test_suspending_revokes_open_sessions(client: Client, bob: User) -> None:
    client.force_login(bob)
    account_deactivate(user=bob)
    assert client.get("/settings/account/").status_code == 302


def test_logging_in_changes_the_session_cookie(client: Client, bob: User) -> None:
    """Session fixation (docs/threats.md T12)."""
    client.get("/accounts/login/?next=/chats/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted = str(session.session_key)
    log_in(client, "bob")
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != planted
    other = Client()
    other.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert not is_signed_in(other)


def test_logging_out_needs_a_post(client: Client, bob: User) -> None:
    client.force_login(bob)
    client.get("/accounts/logout/")
    assert is_signed_in(client)
    assert client.post("/accounts/logout/")["Location"] == "/"
    assert not is_signed_in(client)


def test_only_logging_out_clears_the_site_data(client: Client, bob: User) -> None:
    """A session that was revoked elsewhere must not delete the unsent text on this device."""
    client.force_login(bob)
    assert "Clear-Site-Data" not in client.get("/accounts/logout/")
    assert client.post("/accounts/logout/")["Clear-Site-Data"] == '"cache", "storage"'
    client.force_login(bob)
    client.session.flush()
    assert "Clear-Site-Data" not in client.get("/chats/")


@pytest.mark.parametrize("url", FOREIGN)
def test_next_never_leads_away(client: Client, bob: User, url: str) -> None:
    """Open redirect (docs/threats.md T58)."""
    assert log_in(client, "bob", next=url)["Location"] == "/chats/"
    assert client.post("/accounts/logout/", {"next": url})["Location"] == "/"


def test_next_leads_to_the_requested_page(client: Client, bob: User) -> None:
    assert log_in(client, "bob", next="/i/token/")["Location"] == "/i/token/"


class TestLooks:
    """A new device gets the appearance chosen on the others."""

    def test_login_applies_language_and_theme(self, client: Client, bob: User) -> None:
        Profile.objects.filter(user=bob).update(language="pt-br", theme="dark")
        response = log_in(client, "bob")
        assert (response.cookies["django_language"].value, response.cookies["theme"].value) == (
            "pt-br",
            "dark",
        )
        assert response.cookies["theme"]["samesite"] == "Lax"

    def test_without_a_choice_the_settings_of_the_browser_stay(self, client: Client, db: None) -> None:
        account_create(username="dora", name="Dora", password=PASSWORD)
        response = log_in(client, "dora")
        assert "django_language" not in response.cookies
        assert "theme" not in response.cookies

    def test_the_theme_of_the_previous_user_does_not_stay(self, client: Client, bob: User) -> None:
        client.cookies["theme"] = "dark"
        assert log_in(client, "bob").cookies["theme"].value == "auto"

    def test_an_account_without_a_profile_row_is_not_locked_out(self, client: Client, db: None) -> None:
        User.objects.create_user("erin", password=PASSWORD, name="Erin")
        assert log_in(client, "erin").status_code == 302


class TestPasswordChange:
    def test_it_requires_the_old_password_and_keeps_only_this_session(
        self, client: Client, bob: User
    ) -> None:
        other = Client()
        for browser in (client, other):
            log_in(browser, "bob")
        refused = client.post(
            "/accounts/password/change/", {"oldpassword": "wrong", "password1": "a new long phrase"}
        )
        assert errors_of(refused) == {"oldpassword": ["This is not your current password. Try again."]}
        changed = client.post(
            "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "a new long phrase"}
        )
        assert changed["Location"] == "/settings/account/"
        assert client.get("/accounts/email/").status_code == 200
        assert other.get("/accounts/email/").status_code == 302

    def test_a_weak_password_is_rejected(self, client: Client, bob: User) -> None:
        log_in(client, "bob")
        refused = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "short"})
        assert errors_of(refused) == {"password1": ["Use a password of at least 10 characters."]}

    def test_the_errors_of_both_passwords_are_distinct(self, client: Client, bob: User) -> None:
        log_in(client, "bob")
        empty = client.post("/accounts/password/change/", {"oldpassword": "", "password1": ""})
        assert errors_of(empty) == {
            "oldpassword": ["Enter your current password."],
            "password1": ["Enter a new password."],
        }


def test_every_page_with_a_password_says_whose_it_is_to_password_managers(
    client: Client, alice: User
) -> None:
    field = '<input type="text" name="username" value="alice" autocomplete="username" readonly hidden>'
    reset = client.get(urlsplit(password_link(user=alice)).path, follow=True)
    assert field in reset.text
    client.force_login(alice)
    for path in ("/accounts/password/change/", "/accounts/reauthenticate/"):
        assert field in client.get(path).text, path
    User.objects.filter(pk=alice.pk).update(password="!")
    alice.refresh_from_db()
    client.force_login(alice)
    assert field in client.get("/accounts/password/set/").text
