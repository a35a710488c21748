"""The server with a mail account of its own: addresses are proven by a code, and nobody learns who has an account."""

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import get_hasher
from django.core import mail as letters
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import account_create
from tests.accounts.conftest import PASSWORD, errors_of, is_signed_in

SignUp = Callable[..., HttpResponse]
CONFIRM = "/accounts/confirm-email/"

pytestmark = pytest.mark.usefixtures("mail")


def code_in(letter: Any) -> str:
    found = re.search(r"\b[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}\b", letter.body)
    assert found, letter.body
    return found.group()


def confirm(client: Client, code: str) -> Any:
    return client.post(CONFIRM, {"code": code, "action": "verify"})


def test_who_gave_no_address_is_in_at_once(sign_up: SignUp, client: Client) -> None:
    assert sign_up()["Location"] == "/chats/"
    assert is_signed_in(client)
    assert letters.outbox == []


def test_who_gave_an_address_is_in_after_typing_the_code(sign_up: SignUp, client: Client) -> None:
    assert sign_up(email="Carol@Example.com")["Location"] == CONFIRM
    assert not is_signed_in(client)
    (letter,) = letters.outbox
    assert letter.to == ["carol@example.com"]
    assert letter.subject.startswith("[Entre] ")
    assert errors_of(confirm(client, "")) == {"code": ["Enter the code from the email."]}
    assert errors_of(confirm(client, "XXXX-XXXX")) == {
        "code": ["That code isn’t right. Check it or request a new one."]
    }
    assert not is_signed_in(client)
    assert confirm(client, code_in(letter).lower().replace("-", " "))["Location"] == "/chats/"
    assert is_signed_in(client)
    assert EmailAddress.objects.get().verified


def test_next_survives_the_code(sign_up: SignUp, client: Client) -> None:
    sign_up(email="carol@example.com", next="/i/token/")
    assert confirm(client, code_in(letters.outbox[0]))["Location"] == "/i/token/"


def test_three_wrong_codes_end_the_try_and_a_log_in_sends_a_new_one(sign_up: SignUp, client: Client) -> None:
    sign_up(email="carol@example.com")
    for _ in range(3):
        response = confirm(client, "XXXX-XXXX")
    assert response["Location"] == "/accounts/login/"
    assert confirm(client, code_in(letters.outbox[0]))["Location"] == "/accounts/login/"
    assert not is_signed_in(client)
    assert client.post("/accounts/login/", {"login": "carol", "password": PASSWORD})["Location"] == CONFIRM
    assert confirm(client, code_in(letters.outbox[1]))["Location"] == "/chats/"


def test_the_code_can_be_asked_for_again(sign_up: SignUp, client: Client) -> None:
    sign_up(email="carol@example.com")
    client.post(CONFIRM, {"action": "resend"})
    assert len(letters.outbox) == 2
    assert confirm(client, code_in(letters.outbox[1]))["Location"] == "/chats/"


def test_an_unproven_address_does_not_let_its_giver_in_by_another_door(
    sign_up: SignUp, client: Client
) -> None:
    sign_up(email="carol@example.com")
    elsewhere = Client()
    assert elsewhere.post("/accounts/login/", {"login": "carol", "password": PASSWORD})["Location"] == CONFIRM
    assert not is_signed_in(elsewhere)
    assert elsewhere.get("/settings/account/").status_code == 302
    assert (
        Client().post("/accounts/login/", {"login": "carol@example.com", "password": PASSWORD}).status_code
        == 200
    )


def test_who_was_in_before_the_server_had_mail_keeps_coming_in(client: Client, bob: User) -> None:
    client.force_login(bob)
    other = Client()
    assert other.post("/accounts/login/", {"login": "bob", "password": PASSWORD})["Location"] == "/chats/"


class TestEnumeration:
    """Nobody learns whether an address has an account (safety.md T23)."""

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

    def test_nothing_that_can_be_looked_at_afterwards_tells_it_either(self, bob: User, alice: User) -> None:
        """The username that stayed free, a log-in that failed, a person missing in People: each told that the address had an account."""
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

    def test_no_code_ever_leads_into_an_account_made_with_somebody_elses_address(
        self, sign_up: SignUp, bob: User
    ) -> None:
        EmailAddress.objects.filter(user=bob).update(verified=True)
        sign_up(email="bob@example.com")
        Client().post("/accounts/login/", {"login": "carol", "password": PASSWORD})
        Client().post("/accounts/password/reset/", {"email": "bob@example.com"})
        assert not any(re.search(r"[A-Z]{4}-[A-Z]{4}", letter.body) for letter in letters.outbox)
        assert [letter.body.count("/password/reset/key/") for letter in letters.outbox].count(1) == 1, (
            "one link, for Bob"
        )
        assert "Your username is bob." in letters.outbox[-1].body

    def test_a_strangers_sign_up_keeps_nobody_from_their_own_address(self, sign_up: SignUp) -> None:
        """Mallory takes Carol's address first and never sees the code; Carol signs up, proves it, and Mallory's account stays outside."""
        sign_up(Client(), username="mallory", email="carol@example.com")
        carol = Client()
        sign_up(carol, email="carol@example.com")
        assert confirm(carol, code_in(letters.outbox[-1]))["Location"] == "/chats/"
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

    def test_signing_up_takes_the_work_of_one_password_either_way(self, sign_up: SignUp, bob: User) -> None:
        """It is most of the time of the answer. The times themselves: `python -m benchmarks.enumeration`."""
        EmailAddress.objects.filter(user=bob).update(verified=True)
        kind = type(get_hasher())
        for username, email in (("carol", "bob@example.com"), ("carla", "new@example.com")):
            with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
                sign_up(Client(), username=username, email=email)
            assert hashing.call_count == 1, email

    @pytest.mark.parametrize("login", ["bob", "bob@example.com", "nobody", "nobody@example.com"])
    def test_a_wrong_password_takes_the_work_of_one_for_everybody(self, bob: User, login: str) -> None:
        EmailAddress.objects.filter(user=bob).update(verified=True)
        kind = type(get_hasher())
        with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
            Client().post("/accounts/login/", {"login": login, "password": "a wrong guess"})
        assert hashing.call_count == 1

    def test_the_owner_is_told_once_and_the_stranger_gets_no_code(
        self, sign_up: SignUp, client: Client, bob: User
    ) -> None:
        EmailAddress.objects.filter(user=bob).update(verified=True)
        sign_up(email="bob@example.com")
        client.post(CONFIRM, {"action": "resend"})
        (letter,) = letters.outbox
        assert letter.to == ["bob@example.com"]
        assert not re.search(r"[A-Z]{4}-[A-Z]{4}", letter.body)
        assert "http://127.0.0.1:8000/accounts/password/reset/" in letter.body

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
        assert [letter.to for letter in letters.outbox] == [["bob@example.com"]]

    def test_adding_somebody_elses_address_looks_the_same(self, bob: User, mallory: User) -> None:
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
    """Accounts of the time without mail may name an address that is not theirs."""

    @pytest.fixture(autouse=True)
    def planted(self, bob: User) -> None:
        for number in range(12):
            planter = account_create(
                username=f"planter{number}", name="P", password="a planted password", email="bob@example.com"
            )
            User.objects.filter(pk=planter.pk).update(last_login=timezone.now())
        User.objects.filter(pk=bob.pk).update(last_login=timezone.now())

    def test_a_log_in_by_the_address_takes_one_password_and_is_its_first_owners(self) -> None:
        kind = type(get_hasher())
        for password, status in ((PASSWORD, 302), ("a planted password", 200)):
            with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
                assert (
                    Client()
                    .post("/accounts/login/", {"login": "bob@example.com", "password": password})
                    .status_code
                    == status
                )
            assert hashing.call_count == 1

    def test_a_new_password_is_one_mail(self) -> None:
        Client().post("/accounts/password/reset/", {"email": "bob@example.com"})
        assert ["Your username is bob." in letter.body for letter in letters.outbox] == [True]

    def test_who_proves_it_has_it_whoever_came_first(self, sign_up: SignUp) -> None:
        roberta = Client()
        sign_up(roberta, username="roberta", email="bob@example.com")
        confirm(roberta, code_in(letters.outbox[-1]))
        browser = Client()
        browser.post("/accounts/login/", {"login": "bob@example.com", "password": PASSWORD})
        assert browser.session["_auth_user_id"] == str(User.objects.get(username="roberta").pk)

    def test_asking_who_one_is_takes_one_password(self, bob: User) -> None:
        browser = Client()
        browser.force_login(bob)
        kind = type(get_hasher())
        with patch.object(kind, "encode", autospec=True, side_effect=kind.encode) as hashing:
            browser.post("/accounts/reauthenticate/", {"password": "a wrong guess"})
        assert hashing.call_count == 1


class TestHandlesInMails:
    """Whoever signs up decides where the mail goes and what handle stands in it (safety.md T59)."""

    def test_a_handle_that_a_mail_program_would_link_is_not_named(self, sign_up: SignUp) -> None:
        sign_up(username="prize.example", email="victim@example.com")
        Client().post("/accounts/password/reset/", {"email": "victim@example.com"})
        assert len(letters.outbox) == 2
        assert not any("prize" in letter.body for letter in letters.outbox)

    def test_its_owner_is_told_it_once_the_address_is_proven(self, sign_up: SignUp, client: Client) -> None:
        sign_up(username="ana.vale", email="ana@example.com")
        confirm(client, code_in(letters.outbox[-1]))
        Client().post("/accounts/password/reset/", {"email": "ana@example.com"})
        assert "Your username is ana.vale." in letters.outbox[-1].body


def test_one_address_gets_so_many_mails_a_day_whatever_asks_for_them(
    sign_up: SignUp, bob: User, settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"mail_to_address": "4/d/key"}
    EmailAddress.objects.filter(user=bob).update(verified=True)
    for number in range(3):
        sign_up(Client(), username=f"carol{number}", email="Bob@example.com")
        Client().post("/accounts/password/reset/", {"email": "bob@example.com"})
    assert len(letters.outbox) == 4
    Client().post("/accounts/password/reset/", {"email": "nobody@example.com"})
    sign_up(Client(), username="dora", email="dora@example.com")
    assert letters.outbox[-1].to == ["dora@example.com"]


class TestForgottenPassword:
    def reset_link(self) -> str:
        found = re.search(r"http\S+", letters.outbox[-1].body)
        assert found
        return found.group()

    def test_a_link_comes_by_mail_and_works_once(self, client: Client, bob: User) -> None:
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
            {"SCRIPT_NAME": "/evil"},  # what Daphne makes of a Daphne-Root-Path header
        ],
    )
    def test_no_header_changes_the_link_in_a_mail(
        self, client: Client, bob: User, settings: Any, forged: dict[str, str]
    ) -> None:
        """Host header poisoning (safety.md T59)."""
        settings.PUBLIC_ORIGIN = "https://chat.example.org"
        client.post("/accounts/password/reset/", {"email": "bob@example.com"}, **forged)  # type: ignore[arg-type]
        assert re.fullmatch(
            r"https://chat\.example\.org/accounts/password/reset/key/\w+-[\w-]+/", self.reset_link()
        )
        assert "evil" not in letters.outbox[-1].body
        assert ":666" not in letters.outbox[-1].body

    def test_a_host_that_is_not_ours_is_not_served_at_all(self, client: Client, bob: User) -> None:
        assert (
            client.post(
                "/accounts/password/reset/", {"email": "bob@example.com"}, headers={"host": "evil.example"}
            ).status_code
            == 400
        )
        assert letters.outbox == []

    def test_a_suspended_person_gets_no_link(self, client: Client, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(is_active=False)
        client.post("/accounts/password/reset/", {"email": "bob@example.com"})
        assert letters.outbox == []


def test_mails_carry_the_name_of_the_site(sign_up: SignUp, settings: Any) -> None:
    settings.SITE_NAME = "Our Club"
    sign_up(email="carol@example.com")
    assert "Our Club" in letters.outbox[0].body
    assert "testserver" not in letters.outbox[0].body


def test_a_changed_password_is_told_to_its_owner(client: Client, bob: User) -> None:
    client.force_login(bob)
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "a new long phrase"})
    assert [letter.to for letter in letters.outbox] == [["bob@example.com"]]


def test_a_mail_server_that_is_away_breaks_nothing(
    sign_up: SignUp, client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The account is there, the page says where the code goes, and it can be asked for again (safety.md F31)."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert sign_up(email="carol@example.com")["Location"] == CONFIRM
    assert "an email could not be sent: ConnectionRefusedError" in caplog.text
    assert "carol@example.com" not in caplog.text
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.post(CONFIRM, {"action": "resend"})
    assert confirm(client, code_in(letters.outbox[0]))["Location"] == "/chats/"


def test_an_address_is_changed_only_with_password_and_code(client: Client, bob: User) -> None:
    client.post("/accounts/login/", {"login": "bob", "password": PASSWORD})
    confirm(client, code_in(letters.outbox[-1]))
    refused = client.post("/accounts/email/", {"email": "new@example.com", "action_add": ""})
    assert refused["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"email": "new@example.com", "action_add": ""})
    bob.refresh_from_db()
    assert bob.email == "bob@example.com"
    assert letters.outbox[-1].to == ["new@example.com"]
    assert confirm(client, code_in(letters.outbox[-1]))["Location"] == "/accounts/email/"
    bob.refresh_from_db()
    assert bob.email == "new@example.com"
    assert [address.email for address in EmailAddress.objects.all()] == ["new@example.com"]


def test_an_account_made_by_hand_without_an_address_just_comes_in(client: Client, db: None) -> None:
    account_create(username="dora", name="Dora", password=PASSWORD)
    assert client.post("/accounts/login/", {"login": "dora", "password": PASSWORD})["Location"] == "/chats/"
