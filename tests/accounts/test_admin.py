"""The admin of accounts: search, suspend, restore, password links, permissions."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Profile, User
from accounts.services import account_create

ACCOUNTS = "/admin/accounts/user/"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("chief", name="Chief", password="a long phrase")


@pytest.fixture
def desk(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


@pytest.fixture
def helper(db: None) -> Client:
    """Staff with permission to view and change accounts only."""
    user = account_create(username="helper", name="Helper")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    browser = Client()
    browser.force_login(user)
    return browser


def act(desk: Client, action: str, *users: User) -> Any:
    return desk.post(ACCOUNTS, {"action": action, "_selected_action": [str(user.pk) for user in users]})


def test_the_admin_uses_the_ordinary_login_page(client: Client, db: None) -> None:
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2F"
    assert client.post("/admin/login/", {"username": "chief", "password": "a long phrase"}).status_code == 302


def test_ordinary_users_cannot_open_the_admin(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get(ACCOUNTS, follow=True).status_code == 403


def test_accounts_are_listed_and_searchable(desk: Client, alice: User, bob: User) -> None:
    page = desk.get(ACCOUNTS, {"q": "bob"}).content.decode()
    assert "bob@example.com" in page
    assert "Alice" not in page


def test_no_table_of_conversations_can_be_browsed() -> None:
    """The operator cannot read messages in the admin (docs/threats.md T52)."""
    assert {model._meta.app_label for model in admin.site._registry} <= {"accounts", "auth", "account"}


def test_suspending_and_restoring_access(desk: Client, alice: User, root: User) -> None:
    act(desk, "suspend", alice, root)
    alice.refresh_from_db()
    root.refresh_from_db()
    assert (alice.is_active, root.is_active) == (False, True)  # no administrator suspends herself
    act(desk, "restore_access", alice)
    alice.refresh_from_db()
    assert alice.is_active
    assert {entry.change_message for entry in LogEntry.objects.all()} == {"Suspended", "Restore access"}


def test_a_password_link_is_shown_once_and_logged_without_the_link(desk: Client, alice: User) -> None:
    response = act(desk, "make_password_link", alice)
    found = re.search(r'<code id="password-link">(\S+)</code>', response.content.decode())
    assert found
    link = found.group(1)
    assert "no-store" in response["Cache-Control"]
    assert "messages" not in response.cookies
    assert link.split("/")[-2] not in str(LogEntry.objects.get().change_message)
    visitor = Client()
    form = visitor.get(link.removeprefix("http://127.0.0.1:8000"))["Location"]
    visitor.post(form, {"password1": "a new long phrase"})
    alice.refresh_from_db()
    assert alice.check_password("a new long phrase")


def test_a_link_is_made_for_one_active_person_at_a_time(desk: Client, alice: User, bob: User) -> None:
    assert act(desk, "make_password_link", alice, bob).status_code == 302
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert act(desk, "make_password_link", bob).status_code == 302


def test_an_account_created_in_the_admin_is_complete(desk: Client) -> None:
    data = {
        "username": "dora",
        "name": "Dora",
        "usable_password": "true",
        "password1": "a long phrase",
        "password2": "a long phrase",
    }
    assert desk.post(f"{ACCOUNTS}add/", data).status_code == 302
    assert Profile.objects.get(user__username="dora").search_key == "dora dora"


def test_a_name_changed_in_the_admin_is_found(desk: Client, bob: User) -> None:
    page = desk.get(f"{ACCOUNTS}{bob.pk}/change/")
    data = {
        name: value
        for name, value in page.context["adminform"].form.initial.items()
        if isinstance(value, str)
    }
    assert (
        desk.post(f"{ACCOUNTS}{bob.pk}/change/", {**data, "name": "Roberto", "is_active": "on"}).status_code
        == 302
    )
    assert Profile.objects.get(user=bob).search_key == "roberto bob"


def test_the_admin_cannot_delete_an_account(desk: Client, alice: User) -> None:
    assert desk.post(f"{ACCOUNTS}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    act(desk, "delete_selected", alice)
    assert User.objects.filter(pk=alice.pk).exists()


class TestAHelper:
    """Staff without full permissions must not gain more."""

    def test_cannot_reach_the_account_of_a_superuser(self, helper: Client, root: User) -> None:
        assert helper.get(f"{ACCOUNTS}{root.pk}/change/").status_code == 302
        act(helper, "make_password_link", root)
        act(helper, "suspend", root)
        root.refresh_from_db()
        assert root.is_active
        assert not LogEntry.objects.exists()
        assert helper.post(
            f"{ACCOUNTS}{root.pk}/password/", {"password1": "x" * 12, "password2": "x" * 12}
        ).status_code in {302, 403, 404}
        root.refresh_from_db()
        assert root.check_password("a long phrase")

    def test_cannot_grant_permissions(self, helper: Client, alice: User) -> None:
        data = {
            "username": "alice",
            "name": "Alice",
            "is_active": "on",
            "is_staff": "on",
            "is_superuser": "on",
            "email": "",
        }
        assert helper.post(f"{ACCOUNTS}{alice.pk}/change/", data).status_code == 302
        alice.refresh_from_db()
        assert (alice.is_staff, alice.is_superuser) == (False, False)
