"""A server with email: verification by code, password reset, no account enumeration."""

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import get_hasher
from django.core import mail as mailbox
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import account_create
from tests.accounts.conftest import PASSWORD, HashesOfLogin, errors_of, is_signed_in

SignUp = Callable[..., HttpResponse]
CONFIRM = "/accounts/confirm-email/"

pytestmark = pytest.mark.usefixtures("mail")


def code_in(sent: Any) -> str:
    found = re.search(r"\b[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}\b", sent.body)
    assert found, sent.body
    return found.group()


def confirm(client: Client, code: str) -> Any:
    return client.post(CONFIRM, {"code": code, "action": "verify"})


def test_sign_up_without_an_address_logs_in_immediately(sign_up: SignUp, client: Client) -> None:
    assert sign_up()["Location"] == "/chats/"
    assert is_signed_in(client)
    assert mailbox.outbox == []


def test_sign_up_with_an_address_logs_in_after_the_code(sign_up: SignUp, client: Client) -> None:
    assert sign_up(email="Carol@Example.com")["Location"] == CONFIRM
    assert not is_signed_in(client)
    (sent,) = mailbox.outbox
    assert sent.to == ["carol@example.com"]
    assert sent.subject.startswith("[Entre] ")
    assert errors_of(confirm(client, "")) == {"code": ["Enter the code from the email."]}
    assert errors_of(confirm(client, "XXXX-XXXX")) == {
        "code": ["That code isn’t right. Check it or request a new one."]
    }
    assert not is_signed_in(client)
    assert confirm(client, code_in(sent).lower().replace("-", " "))["Location"] == "/chats/"
    assert is_signed_in(client)
    assert EmailAddress.objects.get().verified


def test_next_survives_the_code(sign_up: SignUp, client: Client) -> None:
    sign_up(email="carol@example.com", next="/i/token/")
    assert confirm(client, code_in(mailbox.outbox[0]))["Location"] == "/i/token/"


def test_three_wrong_codes_end_the_attempt_and_a_login_sends_a_new_code(
    sign_up: SignUp, client: Client
) -> None:
    sign_up(email="carol@example.com")
    for _ in range(3):
        response = confirm(client, "XXXX-XXXX")
    assert response["Location"] == "/accounts/login/"
    assert confirm(client, code_in(mailbox.outbox[0]))["Location"] == "/accounts/login/"
    assert not is_signed_in(client)
    assert client.post("/accounts/login/", {"login": "carol", "password": PASSWORD})["Location"] == CONFIRM
    assert confirm(client, code_in(mailbox.outbox[1]))["Location"] == "/chats/"


def test_a_new_code_can_be_requested(sign_up: SignUp, client: Client) -> None:
    sign_up(email="carol@example.com")
    client.post(CONFIRM, {"action": "resend"})
    assert len(mailbox.outbox) == 2
    assert confirm(client, code_in(mailbox.outbox[1]))["Location"] == "/chats/"


def test_an_unverified_address_does_not_allow_login_elsewhere(sign_up: SignUp, client: Client) -> None:
    sign_up(email="carol@example.com")
    elsewhere = Client()
    assert elsewhere.post("/accounts/login/", {"login": "carol", "password": PASSWORD})["Location"] == CONFIRM
    assert not is_signed_in(elsewhere)
    assert elsewhere.get("/settings/account/").status_code == 302
    assert (
        Client().post("/accounts/login/", {"login": "carol@example.com", "password": PASSWORD}).status_code
        == 200
    )


def test_users_from_before_mail_was_configured_can_still_log_in(client: Client, bob: User) -> None:
    client.force_login(bob)
    other = Client()
    assert other.post("/accounts/login/", {"login": "bob", "password": PASSWORD})["Location"] == "/chats/"


class TestEnumeration:
    """No answer reveals whether an address has an account (docs/threats.md T23)."""

    def test_signing_up_with_a_known_and_an_unknown_address_looks_the_same(
        self, sign_up: SignUp, bob: User
    ) -> None:
        EmailAddress.objects.filter(user=bob).update(verified=True)
        pages = {}
        for username, email in (("carol", "bob@example.com"), ("carla", "new@example.com")):
            browser = Client()
            response = sign_up(browser, username=username, email=email)
            page = browser.get(CONFIRM)
            wrong = confirm(browser, "XXXX-XXXX")
            resent = browser.post(CONFIRM, {"action": "resend"})
            tidy = [
                re.sub(rb'value="[^"]{64}"', b"", each.content).replace(email.encode(), b"#")
                for each in (page, wrong)
            ]
            pages[email] = (
                response.status_code,
                response["Location"],
                page.status_code,
                tidy,
                resent.status_code,
                resent["Location"],
            )
        assert pages["bob@example.com"] == pages["new@example.com"]

    def test_nothing_observable_afterwards_reveals_the_account(self, bob: User, alice: User) -> None:
        """A free username, a failed login or a user missing in People would each reveal the account."""
        EmailAddress.objects.filter(user=bob).update(verified=True)
        looker = Client()
        looker.force_login(alice)
        seen = {}
        for username, email in (("carol", "bob@example.com"), ("carla", "new@example.com")):
            for again in (username, f"{username}_2"):
                browser = Client()
                filled = {
                    "username": again,
                    "name": "Caro",
                    "password1": "another long phrase",
                    "email": email,
                    "listed": "on",
                }
                browser.post("/accounts/signup/", filled)
            for _ in range(3):
                last = confirm(browser, "XXXX-XXXX")
            seen[email] = [
                last["Location"],
                list(
                    errors_of(
                        Client().post("/accounts/signup/", {**filled, "username": username, "email": ""})
                    )
                ),
                looker.post("/settings/profile/username/", {"username": username})
                .json()["says"]
                .replace(username, "#"),
                looker.get(f"/chats/with/{username}/").status_code,
                [
                    card["username"].replace(username, "#")
                    for card in looker.get("/api/v1/people?q=" + username).json()["items"]
                ],
                *self.logged_in(username, email, username, "another long phrase"),
                *self.logged_in(username, email, email, "another long phrase"),
                *self.logged_in(username, email, username, "a wrong guess"),
            ]
        assert seen["bob@example.com"] == seen["new@example.com"]

    def logged_in(self, username: str, email: str, login: str, password: str) -> tuple[Any, ...]:
        browser = Client()
        answer = browser.post("/accounts/login/", {"login": login, "password": password})
        page = browser.get(CONFIRM)
        tidy = re.sub(r'value="[^"]{64}"', "", page.text).replace(email, "#").replace(username, "#")
        wrong = confirm(browser, "XXXX-XXXX")
        resent = browser.post(CONFIRM, {"action": "resend"})
        return (
            answer.status_code,
            answer.get("Location"),
            page.status_code,
            tidy,
            wrong.status_code,
            resent.status_code,
            is_signed_in(browser),
        )

    def test_no_code_opens_an_account_made_with_the_address_of_another_user(
        self, sign_up: SignUp, bob: User
    ) -> None:
        EmailAddress.objects.filter(user=bob).update(verified=True)
        sign_up(email="bob@example.com")
        Client().post("/accounts/login/", {"login": "carol", "password": PASSWORD})
        Client().post("/accounts/password/reset/", {"email": "bob@example.com"})
        assert not any(re.search(r"[A-Z]{4}-[A-Z]{4}", sent.body) for sent in mailbox.outbox)
        assert [sent.body.count("/password/reset/key/") for sent in mailbox.outbox].count(1) == 1, (
            "one link, for Bob"
        )
        assert "Your username is bob." in mailbox.outbox[-1].body

    def test_the_sign_up_of_a_stranger_does_not_block_the_owner_of_the_address(self, sign_up: SignUp) -> None:
        """Mallory claims Carol's address first without the code. Carol verifies it; Mallory stays locked
        out."""
        sign_up(Client(), username="mallory", email="carol@example.com")
        carol = Client()
        sign_up(carol, email="carol@example.com")
        assert confirm(carol, code_in(mailbox.outbox[-1]))["Location"] == "/chats/"
        assert (
            Client().post("/accounts/login/", {"login": "carol@example.com", "password": PASSWORD})[
                "Location"
            ]
            == "/chats/"
        )
        assert (
            Client().post("/accounts/login/", {"login": "mallory", "password": PASSWORD})["Location"]
            == CONFIRM
        )

    def test_signing_up_costs_one_password_hash_either_way(self, sign_up: SignUp, bob: User) -> None:
        """Hashing dominates the response time. Measured by `python -m benchmarks.enumeration`."""
        EmailAddress.objects.filter(user=bob).update(verified=True)
        kind = type(get_hasher())
        for username, email in (("carol", "bob@example.com"), ("carla", "new@example.com")):
            with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
                sign_up(Client(), username=username, email=email)
            assert hashing.call_count == 1, email

    @pytest.mark.parametrize("login", ["bob", "bob@example.com", "nobody", "nobody@example.com"])
    def test_a_wrong_password_costs_one_hash_for_every_login(self, bob: User, login: str) -> None:
        EmailAddress.objects.filter(user=bob).update(verified=True)
        kind = type(get_hasher())
        with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
            Client().post("/accounts/login/", {"login": login, "password": "a wrong guess"})
        assert hashing.call_count == 1

    def test_the_owner_gets_one_email_and_the_stranger_no_code(
        self, sign_up: SignUp, client: Client, bob: User
    ) -> None:
        EmailAddress.objects.filter(user=bob).update(verified=True)
        sign_up(email="bob@example.com")
        client.post(CONFIRM, {"action": "resend"})
        (sent,) = mailbox.outbox
        assert sent.to == ["bob@example.com"]
        assert not re.search(r"[A-Z]{4}-[A-Z]{4}", sent.body)
        assert "http://127.0.0.1:8000/accounts/password/reset/" in sent.body

    def test_asking_for_a_new_password_looks_the_same(self, bob: User) -> None:
        pages = {}
        for email in ("bob@example.com", "nobody@example.com"):
            browser = Client()
            response = browser.post("/accounts/password/reset/", {"email": email})
            pages[email] = (
                response.status_code,
                response["Location"],
                browser.get(response["Location"]).content,
            )
        assert pages["bob@example.com"] == pages["nobody@example.com"]
        assert [sent.to for sent in mailbox.outbox] == [["bob@example.com"]]

    def test_adding_the_address_of_another_user_looks_the_same(self, bob: User, mallory: User) -> None:
        EmailAddress.objects.filter(user=bob).update(verified=True)
        answers = []
        for email in ("bob@example.com", "new@example.com"):
            browser = Client()
            browser.post("/accounts/login/", {"login": "mallory", "password": PASSWORD})
            browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
            response = browser.post("/accounts/email/", {"email": email, "action_add": ""})
            answers.append((response.status_code, response["Location"]))
        assert answers[0] == answers[1] == (302, CONFIRM)


class TestPlantedAddresses:
    """Accounts from before email was configured may claim an address of another user."""

    @pytest.fixture(autouse=True)
    def planted(self, bob: User) -> None:
        for number in range(12):
            planter = account_create(
                username=f"planter{number}", name="P", password="a planted password", email="bob@example.com"
            )
            User.objects.filter(pk=planter.pk).update(last_login=timezone.now())
        User.objects.filter(pk=bob.pk).update(last_login=timezone.now())

    def test_a_login_by_email_costs_one_hash_and_resolves_to_the_first_owner(
        self, hashes_of_login: HashesOfLogin
    ) -> None:
        assert hashes_of_login("bob@example.com", PASSWORD) == (302, 1)
        assert hashes_of_login("bob@example.com", "a planted password") == (200, 1)

    def test_a_password_reset_sends_one_email(self) -> None:
        Client().post("/accounts/password/reset/", {"email": "bob@example.com"})
        assert ["Your username is bob." in sent.body for sent in mailbox.outbox] == [True]

    def test_the_verified_owner_has_the_address(self, sign_up: SignUp) -> None:
        roberta = Client()
        sign_up(roberta, username="roberta", email="bob@example.com")
        confirm(roberta, code_in(mailbox.outbox[-1]))
        browser = Client()
        browser.post("/accounts/login/", {"login": "bob@example.com", "password": PASSWORD})
        assert browser.session["_auth_user_id"] == str(User.objects.get(username="roberta").pk)

    def test_reauthentication_costs_one_hash(self, bob: User) -> None:
        browser = Client()
        browser.force_login(bob)
        kind = type(get_hasher())
        with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
            browser.post("/accounts/reauthenticate/", {"password": "a wrong guess"})
        assert hashing.call_count == 1


class TestHandlesInMails:
    """The client that signs up chooses the recipient and the username in the email (docs/threats.md T59)."""

    def test_a_username_that_a_mail_program_would_link_is_left_out(self, sign_up: SignUp) -> None:
        sign_up(username="prize.example", email="victim@example.com")
        Client().post("/accounts/password/reset/", {"email": "victim@example.com"})
        assert len(mailbox.outbox) == 2
        assert not any("prize" in sent.body for sent in mailbox.outbox)

    def test_its_owner_sees_it_once_the_address_is_verified(self, sign_up: SignUp, client: Client) -> None:
        sign_up(username="ana.vale", email="ana@example.com")
        confirm(client, code_in(mailbox.outbox[-1]))
        Client().post("/accounts/password/reset/", {"email": "ana@example.com"})
        assert "Your username is ana.vale." in mailbox.outbox[-1].body


def test_emails_to_one_address_share_a_daily_limit(sign_up: SignUp, bob: User, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"mail_to_address": "4/d/key"}
    EmailAddress.objects.filter(user=bob).update(verified=True)
    for number in range(3):
        sign_up(Client(), username=f"carol{number}", email="Bob@example.com")
        Client().post("/accounts/password/reset/", {"email": "bob@example.com"})
    assert len(mailbox.outbox) == 4
    Client().post("/accounts/password/reset/", {"email": "nobody@example.com"})
    sign_up(Client(), username="dora", email="dora@example.com")
    assert mailbox.outbox[-1].to == ["dora@example.com"]


class TestForgottenPassword:
    def reset_link(self) -> str:
        found = re.search(r"http\S+", mailbox.outbox[-1].body)
        assert found
        return found.group()

    def test_the_emailed_link_works_once(self, client: Client, bob: User) -> None:
        client.post("/accounts/password/reset/", {"email": "bob@example.com"})
        path = self.reset_link().removeprefix("http://127.0.0.1:8000")
        form = client.get(path)["Location"]
        assert client.post(form, {"password1": "a new long phrase"})["Location"] == "/chats/"
        bob.refresh_from_db()
        assert bob.check_password("a new long phrase")
        assert b"password1" not in Client().get(path).content

    @pytest.mark.parametrize(
        "forged",
        [
            {"HTTP_HOST": "localhost:6666"},
            {"HTTP_X_FORWARDED_HOST": "evil.example"},
            {"HTTP_X_FORWARDED_PROTO": "https"},
            {"HTTP_X_FORWARDED_PORT": "666"},
            {"HTTP_FORWARDED": "host=evil.example"},
            {"SCRIPT_NAME": "/evil"},  # from a Daphne-Root-Path header
        ],
    )
    def test_no_header_changes_the_link_in_an_email(
        self, client: Client, bob: User, settings: Any, forged: dict[str, str]
    ) -> None:
        """Host header poisoning (docs/threats.md T59)."""
        settings.PUBLIC_ORIGIN = "https://chat.example.org"
        client.post("/accounts/password/reset/", {"email": "bob@example.com"}, **forged)
        assert re.fullmatch(
            r"https://chat\.example\.org/accounts/password/reset/key/\w+-[\w-]+/", self.reset_link()
        )
        assert "evil" not in mailbox.outbox[-1].body
        assert ":666" not in mailbox.outbox[-1].body

    def test_an_unknown_host_is_rejected(self, client: Client, bob: User) -> None:
        assert (
            client.post(
                "/accounts/password/reset/", {"email": "bob@example.com"}, headers={"host": "evil.example"}
            ).status_code
            == 400
        )
        assert mailbox.outbox == []

    def test_a_suspended_user_gets_no_link(self, client: Client, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(is_active=False)
        client.post("/accounts/password/reset/", {"email": "bob@example.com"})
        assert mailbox.outbox == []


def test_emails_carry_the_site_name(sign_up: SignUp, settings: Any) -> None:
    settings.SITE_NAME = "Our Club"
    sign_up(email="carol@example.com")
    assert "Our Club" in mailbox.outbox[0].body
    assert "testserver" not in mailbox.outbox[0].body


def test_the_owner_is_notified_of_a_changed_password(client: Client, bob: User) -> None:
    client.force_login(bob)
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "a new long phrase"})
    assert [sent.to for sent in mailbox.outbox] == [["bob@example.com"]]


def test_an_unavailable_mail_server_breaks_nothing(
    sign_up: SignUp, client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The account exists, the page names the address, and a new code can be requested (docs/threats.md
    F31)."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert sign_up(email="carol@example.com")["Location"] == CONFIRM
    assert "an email could not be sent: ConnectionRefusedError" in caplog.text
    assert "carol@example.com" not in caplog.text
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.post(CONFIRM, {"action": "resend"})
    assert confirm(client, code_in(mailbox.outbox[0]))["Location"] == "/chats/"


def test_an_address_is_changed_only_with_password_and_code(client: Client, bob: User) -> None:
    client.post("/accounts/login/", {"login": "bob", "password": PASSWORD})
    confirm(client, code_in(mailbox.outbox[-1]))
    refused = client.post("/accounts/email/", {"email": "new@example.com", "action_add": ""})
    assert refused["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"email": "new@example.com", "action_add": ""})
    bob.refresh_from_db()
    assert bob.email == "bob@example.com"
    assert mailbox.outbox[-1].to == ["new@example.com"]
    assert confirm(client, code_in(mailbox.outbox[-1]))["Location"] == "/accounts/email/"
    bob.refresh_from_db()
    assert bob.email == "new@example.com"
    assert [address.email for address in EmailAddress.objects.all()] == ["new@example.com"]


def test_an_account_without_an_address_logs_in_without_a_code(client: Client, db: None) -> None:
    account_create(username="dora", name="Dora", password=PASSWORD)
    assert client.post("/accounts/login/", {"login": "dora", "password": PASSWORD})["Location"] == "/chats/"
