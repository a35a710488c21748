"""One-time password links, which work without email."""

from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.account.utils import user_pk_to_url_str
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.services import AccountInactive, account_create, account_deactivate, password_link
from tests.accounts.conftest import PASSWORD, errors_of, is_signed_in

ORIGIN = "http://127.0.0.1:8000"


def path_for(user: User) -> str:
    return password_link(user=user).removeprefix(ORIGIN)


def use(client: Client, path: str, password: str = "a new long phrase") -> Any:
    opened = client.get(path)
    return client.post(opened["Location"], {"password1": password}) if opened.status_code == 302 else opened


def test_alice_sets_a_new_password_and_is_logged_in(client: Client, alice: User) -> None:
    assert use(client, path_for(alice))["Location"] == "/chats/"
    assert is_signed_in(client)
    alice.refresh_from_db()
    assert alice.check_password("a new long phrase")


def test_the_link_works_once(client: Client, alice: User) -> None:
    path = path_for(alice)
    use(client, path)
    again = use(Client(), path, "mallory's own phrase")
    assert again.status_code == 200
    assert b'name="password1"' not in again.content
    alice.refresh_from_db()
    assert alice.check_password("a new long phrase")


def test_two_users_who_opened_the_same_link_cannot_both_use_it(alice: User) -> None:
    path = path_for(alice)
    first, second = Client(), Client()
    forms = [browser.get(path)["Location"] for browser in (first, second)]
    first.post(forms[0], {"password1": "a new long phrase"})
    second.post(forms[1], {"password1": "mallory's own phrase"})
    alice.refresh_from_db()
    assert alice.check_password("a new long phrase")
    assert not is_signed_in(second)


def test_the_link_expires_after_a_day(client: Client, alice: User) -> None:
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False) as clock:
        path = path_for(alice)
        clock.shift(24 * 3600 - 1)
        assert Client().get(path).status_code == 302
        clock.shift(2)
        assert Client().get(path).status_code == 200


def test_the_next_login_invalidates_the_link(client: Client, alice: User) -> None:
    path = path_for(alice)
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert Client().get(path).status_code == 200


def test_the_link_opens_no_other_account(client: Client, alice: User, bob: User) -> None:
    other = path_for(alice).replace(
        path_for(alice).split("/")[-2].split("-")[0] + "-", path_for(bob).split("/")[-2].split("-")[0] + "-"
    )
    assert use(client, other).status_code == 200
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_opening_the_link_changes_nothing(client: Client, alice: User) -> None:
    """Previews and scanners open links (docs/threats.md T19)."""
    path = path_for(alice)
    for _ in range(3):
        Client().get(path, follow=True)
        Client().head(path)
    assert use(client, path)["Location"] == "/chats/"


def test_a_weak_password_does_not_use_up_the_link(client: Client, alice: User) -> None:
    path = path_for(alice)
    assert errors_of(use(client, path, "short")) == {
        "password1": ["Use a password of at least 10 characters."]
    }
    assert use(Client(), path)["Location"] == "/chats/"


def test_the_token_leaves_the_address_bar_before_the_form_is_shown(client: Client, alice: User) -> None:
    path = path_for(alice)
    form = client.get(path)["Location"]
    assert path.split("/")[-2].split("-", 1)[1] not in form
    assert client.get(form).status_code == 200


def test_other_sessions_of_the_account_are_revoked(client: Client, alice: User) -> None:
    thief = Client()
    thief.force_login(alice)
    use(client, path_for(alice))
    assert thief.get("/settings/account/").status_code == 302


def test_a_user_logged_in_to_another_account_ends_up_as_alice(client: Client, alice: User, bob: User) -> None:
    client.force_login(bob)
    use(client, path_for(alice))
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_an_account_made_without_a_password_gets_one_by_the_link(client: Client, db: None) -> None:
    dora = account_create(username="dora", name="Dora")
    assert not dora.has_usable_password()
    assert use(client, path_for(dora))["Location"] == "/chats/"


def test_a_suspended_account_gets_no_link_and_an_older_link_does_not_work(
    client: Client, alice: User
) -> None:
    path = path_for(alice)
    account_deactivate(user=alice)
    with pytest.raises(AccountInactive):
        password_link(user=alice)
    assert use(client, path)["Location"] == "/accounts/inactive/"
    assert not is_signed_in(client)


class TestCommand:
    def test_it_prints_the_link_and_nothing_else_to_standard_output(
        self, client: Client, alice: User
    ) -> None:
        out, err = StringIO(), StringIO()
        call_command("password_link", "@Alice", stdout=out, stderr=err)
        assert use(client, out.getvalue().strip().removeprefix(ORIGIN))["Location"] == "/chats/"
        assert "Works once, for 24 hours" in err.getvalue()

    def test_it_uses_the_public_url(self, alice: User, settings: Any) -> None:
        settings.PUBLIC_ORIGIN = "https://chat.example.org"
        out = StringIO()
        call_command("password_link", "alice", stdout=out, stderr=StringIO())
        assert out.getvalue().startswith("https://chat.example.org/accounts/password/reset/key/")

    @pytest.mark.parametrize("username", ["nobody", "", "\x00", "аlice"])
    def test_an_unknown_username_is_an_error(self, alice: User, username: str) -> None:
        with pytest.raises(CommandError, match="There is no active account"):
            call_command("password_link", username)


def test_a_link_carries_the_public_id_and_old_links_still_work(client: Client, alice: User) -> None:
    """The primary key in a reset link would reveal the number of accounts."""
    path = urlsplit(password_link(user=alice)).path
    assert f"/key/{alice.public_id}-" in path
    old = path.replace(alice.public_id, user_pk_to_url_str(alice))
    for good in (path, old):
        assert Client().get(good).status_code == 302
    for wrong in (path.replace(alice.public_id, "a" * 16), path.replace(alice.public_id, "zzzzzzzzzzzzzzzz")):
        assert "This link" in Client().get(wrong).text
