"""From an invite link through sign-up or log-in to the chat, in each registration mode."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core import mail as outbox
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from time_machine import travel

from accounts.models import User
from conversations.account_adapter import InviteAccountAdapter
from conversations.models import Block, Conversation, Invite, PendingInvite
from conversations.selectors.invites import token_of
from conversations.services.invites import invite_claim, invite_create, invite_revoke
from tests.conversations.races import at_once
from tests.factories import PASSWORD, make_conversation, make_user

ClientOf = Callable[..., Client]


@pytest.fixture
def invite(alice: User) -> Invite:
    return invite_create(inviter=alice)


@pytest.fixture
def by_invite(settings: Any) -> None:
    settings.REGISTRATION = "invite"


def press(browser: Client, invite: Invite, go: str = "signup") -> HttpResponse:
    """Open the link and submit its form."""
    browser.get(f"/i/{token_of(invite.pk)}/")
    return browser.post(f"/i/{token_of(invite.pk)}/", {"go": go})


def sign_up(browser: Client, username: str = "zoya", **fields: str) -> HttpResponse:
    filled = {
        "username": username,
        "name": username.capitalize(),
        "password1": PASSWORD,
        "email": "",
        "listed": "on",
        **fields,
    }
    return browser.post("/accounts/signup/", filled)


def log_in(browser: Client, username: str = "bob", address: str = "/accounts/login/") -> HttpResponse:
    return browser.post(address, {"login": username, "password": PASSWORD})


def the_chat() -> str:
    return f"/chats/{Conversation.objects.get().room_name}/"


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


# --- Signing up with open registration ---


def test_zoya_signs_up_from_the_link_and_lands_in_the_chat(
    invite: Invite, alice: User, client: Client
) -> None:
    press(client, invite)
    response = sign_up(client)
    zoya = User.objects.get(username="zoya")
    assert (response.status_code, response["Location"]) == (302, the_chat())
    assert Conversation.objects.of_pair(alice.pk, zoya.pk).exists()
    assert Invite.objects.get().claimed_by == zoya
    assert not PendingInvite.objects.exists()


def test_the_sign_in_pages_name_the_inviter(invite: Invite, client: Client) -> None:
    press(client, invite)
    for page in ("/accounts/signup/", "/accounts/login/"):
        assert b"Alice" in client.get(page).content


def test_the_sign_in_pages_omit_the_inviter_who_hides_their_name(
    invite: Invite, alice: User, client: Client
) -> None:
    alice.profile.invites_show_name = False
    alice.profile.save()
    press(client, invite)
    page = client.get("/accounts/signup/")
    assert page.context["invited"]().name == ""
    assert b"Alice" not in page.content


def test_without_an_invite_the_sign_in_pages_run_no_query_for_one(client: Client, db: None) -> None:
    assert client.get("/accounts/signup/").context["invited"]() is None


def test_no_later_address_contains_the_token(invite: Invite, client: Client) -> None:
    token, seen = token_of(invite.pk), []
    response = press(client, invite)
    seen += [response["Location"], client.get(response["Location"]).content.decode()]
    response = sign_up(client)
    seen += [response["Location"], client.get(response["Location"]).content.decode()]
    assert not any(token in text for text in seen)


def test_a_mistake_in_the_form_does_not_lose_the_invite(invite: Invite, client: Client) -> None:
    press(client, invite)
    assert sign_up(client, password1="short").status_code == 200
    assert sign_up(client)["Location"] == the_chat()


def test_an_invite_that_expires_during_sign_up_is_still_accepted(invite: Invite, client: Client) -> None:
    Invite.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    press(client, invite)
    with travel(timezone.now() + timedelta(hours=1), tick=True):
        assert sign_up(client)["Location"] == the_chat()


def test_after_a_day_the_held_invite_expires_and_the_account_is_still_created(
    invite: Invite, client: Client
) -> None:
    press(client, invite)
    with travel(timezone.now() + timedelta(hours=25), tick=True):
        response = sign_up(client)
        assert response["Location"] == "/chats/"
        assert "has expired" in client.get("/chats/").content.decode()
    assert User.objects.filter(username="zoya").exists()
    assert Invite.objects.get().claimed_at is None


def test_an_invite_revoked_during_sign_up_is_not_accepted(
    invite: Invite, alice: User, client: Client
) -> None:
    press(client, invite)
    invite_revoke(inviter=alice, invite_id=invite.pk)
    assert sign_up(client)["Location"] == "/chats/"
    assert not Conversation.objects.exists()


def test_zoya_sees_that_the_invite_was_used_during_her_sign_up(
    invite: Invite, bob: User, client: Client
) -> None:
    press(client, invite)
    invite_claim(user=bob, token=token_of(invite.pk))
    assert sign_up(client)["Location"] == "/chats/"
    for _ in range(2):
        assert client.get("/chats/").text.count("has already been accepted") == 1, (
            "the notice stays until she has a chat"
        )
    assert Conversation.objects.count() == 1
    make_conversation(User.objects.get(username="zoya"), bob)
    assert "has already been accepted" not in client.get("/chats/").text
    assert "has already been accepted" not in client.get("/people/").text


# --- Two devices: the account keeps the invite, not the browser ---


def test_confirming_the_email_address_ends_in_the_chat(mail: None, invite: Invite, client: Client) -> None:
    press(client, invite)
    response = sign_up(client, email="zoya@example.com")
    assert not is_signed_in(client)
    assert Invite.objects.get().claimed_at is None, "the invite is not used before the log-in is complete"
    response = client.post(response["Location"], {"code": code_of_last_mail()})
    assert (response.status_code, response["Location"]) == (302, the_chat())


def test_finishing_the_sign_up_on_another_device_ends_in_the_chat(
    mail: None, invite: Invite, client: Client
) -> None:
    press(client, invite)
    sign_up(client, email="zoya@example.com")
    phone = Client()
    response = log_in(phone, "zoya")
    response = phone.post(response["Location"], {"code": code_of_last_mail()})
    assert (response.status_code, response["Location"]) == (302, the_chat())
    assert Invite.objects.get().claimed_by == User.objects.get(username="zoya")


@pytest.mark.parametrize("registration", ["open", "invite"])
def test_the_state_of_the_invite_does_not_reveal_whether_an_email_is_registered(
    mail: None, alice: User, bob: User, settings: Any, registration: str
) -> None:
    """If only sign-ups with new addresses used the invite, it would reveal which addresses are registered."""
    settings.REGISTRATION = registration
    EmailAddress.objects.create(user=bob, email="bob@example.com", primary=True, verified=True)
    seen = []
    for username, email in (("carol", "bob@example.com"), ("carla", "new@example.com")):
        invite = invite_create(inviter=alice)
        browser = Client()
        press(browser, invite)
        answer = sign_up(browser, username, email=email)
        invite.refresh_from_db()
        later = [
            browser.get(path)
            for path in ("/accounts/signup/", "/accounts/login/", f"/i/{token_of(invite.pk)}/")
        ]
        own = rf"\b\w{{64}}\b|datetime=\S+|\d\d:\d\d UTC|{token_of(invite.pk)}|{email}|{username}"
        pages = [re.sub(own, "", page.text) for page in later]
        seen.append(
            (
                answer.status_code,
                answer["Location"],
                invite.claimed_at is None,
                pages,
                "invite" in browser.session,
            )
        )
    assert seen[0] == seen[1]


def code_of_last_mail() -> str:
    lines = [line.strip() for line in outbox.outbox[-1].body.splitlines()]
    return next(
        line for line in lines if 6 <= len(line) <= 9 and " " not in line and line.upper() == line and line
    )


def test_the_invite_is_stored_with_the_account_before_a_second_step(
    invite: Invite, bob: User, rf: Any
) -> None:
    """A second factor or an emailed code may follow the password on another device."""
    request = with_session(rf.post("/accounts/login/"), invite)
    details = {
        "email_verification": "none",
        "signal_kwargs": None,
        "email": None,
        "signup": False,
        "redirect_url": None,
    }
    assert InviteAccountAdapter(request).pre_login(request, bob, **details) is None
    assert PendingInvite.objects.get(user=bob).invite == invite
    assert "invite" not in request.session
    phone = Client()
    assert log_in(phone)["Location"] == the_chat()


def with_session(request: Any, invite: Invite) -> Any:
    browser = Client()
    press(browser, invite)
    request.session = browser.session
    return request


# --- Logging in ---


def test_bob_logs_in_from_the_link_and_is_in_the_chat(invite: Invite, bob: User, client: Client) -> None:
    press(client, invite, go="login")
    response = log_in(client)
    assert (response.status_code, response["Location"]) == (302, the_chat())
    assert Invite.objects.get().claimed_by == bob


def test_the_chat_takes_precedence_over_next(invite: Invite, bob: User, client: Client) -> None:
    press(client, invite, go="login")
    assert log_in(client, address="/accounts/login/?next=/people/")["Location"] == the_chat()


def test_without_an_invite_a_log_in_follows_next(bob: User, client: Client) -> None:
    assert log_in(client, address="/accounts/login/?next=/people/")["Location"] == "/people/"


def test_a_wrong_password_keeps_the_invite(invite: Invite, bob: User, client: Client) -> None:
    press(client, invite, go="login")
    assert (
        client.post("/accounts/login/", {"login": "bob", "password": "wrong wrong wrong"}).status_code == 200
    )
    assert log_in(client)["Location"] == the_chat()


def test_bob_who_has_a_chat_with_alice_lands_there_and_uses_no_invite(
    invite: Invite, bob: User, chat: Conversation, client: Client
) -> None:
    press(client, invite, go="login")
    assert log_in(client)["Location"] == f"/chats/{chat.room_name}/"
    assert Invite.objects.get().claimed_at is None


def test_alice_who_logs_in_from_her_own_link_lands_in_her_list_and_uses_no_invite(
    invite: Invite, alice: User, client: Client
) -> None:
    press(client, invite, go="login")
    assert log_in(client, "alice")["Location"] == "/chats/"
    assert Invite.objects.get().claimed_at is None


def test_blocked_bob_learns_nothing_by_logging_in(
    invite: Invite, alice: User, bob: User, client: Client
) -> None:
    Block.objects.create(blocker=alice, blocked=bob, created_at=timezone.now())
    press(client, invite, go="login")
    assert log_in(client)["Location"] == "/chats/"
    assert "has expired" in client.get("/chats/").content.decode()
    assert not Conversation.objects.exists()


def test_a_suspended_account_keeps_no_pending_invite(invite: Invite, bob: User, client: Client) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    press(client, invite, go="login")
    log_in(client)
    assert not PendingInvite.objects.exists()


def test_a_pending_invite_is_accepted_once_and_later_log_ins_lead_to_the_list(
    invite: Invite, bob: User, client: Client
) -> None:
    press(client, invite, go="login")
    log_in(client)
    assert log_in(Client())["Location"] == "/chats/"


# --- Where registration is by invite ---


def test_without_an_invite_no_visitor_signs_up(by_invite: None, client: Client, db: None) -> None:
    sign_up(client)
    assert not User.objects.exists()


def test_an_invite_permits_one_sign_up_and_is_used_with_the_account(
    by_invite: None, invite: Invite, client: Client
) -> None:
    press(client, invite)
    response = sign_up(client)
    assert response["Location"] == the_chat()
    assert Invite.objects.get().claimed_by == User.objects.get(username="zoya")


def test_the_invite_is_used_even_before_the_email_address_is_confirmed(
    by_invite: None, mail: None, invite: Invite, client: Client
) -> None:
    press(client, invite)
    sign_up(client, email="zoya@example.com")
    assert Invite.objects.get().claimed_by == User.objects.get(username="zoya")
    phone = Client()
    response = log_in(phone, "zoya")
    assert phone.post(response["Location"], {"code": code_of_last_mail()})["Location"] == the_chat()


@pytest.mark.parametrize("end", ["used", "revoked", "inviter gone"])
def test_an_invite_that_ended_during_sign_up_permits_none(
    by_invite: None, invite: Invite, alice: User, bob: User, client: Client, end: str
) -> None:
    press(client, invite)
    if end == "used":
        invite_claim(user=bob, token=token_of(invite.pk))
    elif end == "revoked":
        invite_revoke(inviter=alice, invite_id=invite.pk)
    else:
        User.objects.filter(pk=alice.pk).update(is_active=False)
    sign_up(client)
    assert not User.objects.filter(username="zoya").exists()


def test_one_invite_permits_one_sign_up(by_invite: None, invite: Invite, client: Client) -> None:
    friend = Client()
    press(client, invite)
    press(friend, invite)
    sign_up(client)
    sign_up(friend, "mallory")
    assert not User.objects.filter(username="mallory").exists()


def test_an_invite_used_at_the_same_moment_is_an_error_in_the_form_and_no_account(
    by_invite: None, invite: Invite, bob: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    press(client, invite)
    invite_claim(user=bob, token=token_of(invite.pk))
    monkeypatch.setattr(InviteAccountAdapter, "is_open_for_signup", lambda self, request: True)
    response = sign_up(client)
    assert "no longer works" in response.content.decode()
    assert not User.objects.filter(username="zoya").exists()
    assert not is_signed_in(client)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_of_eight_concurrent_sign_ups_with_one_link_one_succeeds(by_invite: None) -> None:
    invite = invite_create(inviter=make_user("alice"))
    browsers = [Client() for _ in range(8)]
    for browser in browsers:
        press(browser, invite)
    _done, errors = at_once(
        [lambda number=number: sign_up(browsers[number], f"person-{number}") for number in range(8)]
    )
    assert errors == []
    newcomers = User.objects.filter(username__startswith="person-")
    assert newcomers.count() == 1
    assert Invite.objects.get().claimed_by == newcomers.get()
    assert Conversation.objects.count() == 1
    assert sum(is_signed_in(browser) for browser in browsers) == 1


# --- Closed registration ---


def test_where_registration_is_closed_an_invite_permits_no_sign_up(
    settings: Any, invite: Invite, client: Client
) -> None:
    settings.REGISTRATION = "closed"
    press(client, invite)
    sign_up(client)
    assert not User.objects.filter(username="zoya").exists()


def test_where_registration_is_closed_members_still_accept_invites(
    settings: Any, invite: Invite, bob: User, client: Client
) -> None:
    settings.REGISTRATION = "closed"
    press(client, invite, go="login")
    assert log_in(client)["Location"] == the_chat()


def test_the_adapter_in_use_is_this_one() -> None:
    assert isinstance(get_adapter(), InviteAccountAdapter)
