"""Sign-up through the form."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client

from accounts.adapter import AccountAdapter
from accounts.models import Profile, User
from tests.accounts.conftest import PASSWORD, errors_of, is_signed_in

pytestmark = pytest.mark.both_databases

SignUp = Callable[..., HttpResponse]


def test_carol_signs_up_without_an_address_and_is_logged_in(sign_up: SignUp, client: Client) -> None:
    response = sign_up()
    assert (response.status_code, response["Location"]) == (302, "/chats/")
    assert is_signed_in(client)
    carol = User.objects.get()
    assert (carol.username, carol.name, carol.email) == ("carol", "Carol", "")
    assert carol.check_password(PASSWORD)
    assert carol.profile.listed
    assert carol.profile.search_key == "carol carol"
    assert not EmailAddress.objects.exists()


@pytest.mark.usefixtures("mail")
def test_the_form_has_exactly_five_fields_in_order(client: Client, db: None) -> None:
    fields = client.get("/accounts/signup/").context["form"].fields
    assert list(fields) == ["name", "username", "email", "password1", "listed"]
    assert [name for name, field in fields.items() if field.required] == ["name", "username", "password1"]
    autocomplete = {name: field.widget.attrs.get("autocomplete") for name, field in fields.items()}
    assert autocomplete == {
        "name": "name",
        "username": "username",
        "email": "email",
        "password1": "new-password",
        "listed": None,
    }
    assert not any("placeholder" in field.widget.attrs for field in fields.values())
    assert fields["listed"].initial is True


def test_without_the_checkbox_the_user_is_not_listed(sign_up: SignUp) -> None:
    sign_up(listed=None)
    assert not User.objects.get().profile.listed


def test_a_username_is_stored_in_lower_case(sign_up: SignUp) -> None:
    sign_up(username="@CaRol")
    assert User.objects.get().username == "carol"


def test_a_name_is_normalized_and_its_markup_is_escaped(sign_up: SignUp, client: Client) -> None:
    sign_up(name="  Ca <script>alert(1)</script>\t{{7*7}}  ")
    assert User.objects.get().name == "Ca <script>alert(1)</script> {{7*7}}"


WRONG = [
    ("name", "", "Enter your name."),
    ("name", "   ", "Enter your name."),
    ("name", "x" * 51, "Use a name of at most 50 characters."),
    ("name", "Ana\u202e", "Remove the hidden characters from your name."),
    ("name", "Ana" + "\u0301" * 9, "Use fewer accents on one letter of your name."),
    ("name", "\u3164", "Enter a name with at least one letter."),
    ("username", "", "Choose a username."),
    ("username", "ab", "Use a username of at least 3 characters."),
    ("username", "a" * 25, "Use a username of at most 24 characters."),
    ("username", "@ab", "Use a username of at least 3 characters."),
    ("username", "admin", "This username is reserved. Choose another one."),
    ("username", "4dm1n_", "This username is reserved. Choose another one."),
    (
        "username",
        ".carol",
        "Use letters a to z, digits, dots, dashes and underscores for your username; "
        "begin with a letter or digit.",
    ),
    ("email", "ana.vale@", "Enter an email address in the form name@example.com."),
    ("email", f"{'a' * 60}@{'b' * 200}.com", "Enter a shorter email address."),
    ("password1", "", "Enter a password."),
    ("password1", "short pw", "Use a password of at least 10 characters."),
    ("password1", "1234567891", "Add letters: a password of digits alone is easy to guess."),
    (
        "password1",
        "basketball",
        "Choose another password: this one is in the lists that attackers try first.",
    ),
]


@pytest.mark.parametrize(("field", "value", "sentence"), WRONG)
def test_invalid_input_gets_an_error_that_says_what_to_do(
    sign_up: SignUp, client: Client, field: str, value: str, sentence: str
) -> None:
    assert sentence in errors_of(sign_up(**{field: value}))[field]
    assert not User.objects.exists()
    assert not is_signed_in(client)


NAMED = {
    "en": {"name": "name", "username": "username", "email": "email", "password1": "password"},
    "ru": {"name": "им[яе]", "username": "им[яе].* пользователя", "email": "почт", "password1": "парол"},
    "pt-br": {"name": "nome", "username": "nome de usuário", "email": "e-mail", "password1": "senha"},
}


@pytest.mark.usefixtures("mail")
@pytest.mark.parametrize("language", NAMED)
@pytest.mark.parametrize(("field", "value", "sentence"), WRONG)
def test_each_error_names_its_field_and_is_repeated_in_the_summary(
    sign_up: SignUp, field: str, value: str, sentence: str, language: str
) -> None:
    """The summary lists the errors of all fields, so each must name its field (docs/interface.md F3, F4)."""
    browser = Client(headers={"accept-language": language})
    page = sign_up(by=browser, **{field: value})
    assert page["Content-Language"] == language
    found = errors_of(page)[field]
    assert (sentence in found) == (language == "en")
    box, _tag, at_field = html.unescape(page.text).partition("<form")
    for message in found:
        assert re.search(NAMED[language][field], message, re.IGNORECASE), message
        assert (box.count(message), at_field.count(message)) == (1, 1)


@pytest.mark.parametrize("password", ["carolsmith", "Carol-Smith1", "carol@example.com"])
def test_a_password_similar_to_the_users_data_is_rejected(sign_up: SignUp, password: str) -> None:
    found = errors_of(sign_up(name="Carol Smith", email="carol@example.com", password1=password))
    assert found == {"password1": ["Choose a password without your name, username or email in it."]}


@pytest.mark.parametrize(
    "username",
    [
        "аlice",  # CYRILLIC SMALL LETTER A
        "ａlice",  # full-width
        "\u212aarol",  # KELVIN SIGN: lowered, it would be an ordinary k
        "ca\u200drol",
        "carol\u0301",
        "ca rol",
        "carol/..",
        "carol%00",
        "carol\x00",
        "carol\n",
        "ﬁona",
    ],
)
def test_usernames_with_look_alike_or_hidden_letters_are_rejected(sign_up: SignUp, username: str) -> None:
    if username == "carol\n":  # a trailing newline is stripped
        assert sign_up(username=username).status_code == 302
        return
    assert "username" in errors_of(sign_up(username=username))
    assert not User.objects.exists()


@pytest.mark.parametrize("username", ["alice", "ALICE", "@Alice"])
def test_a_taken_username_gets_a_single_error(sign_up: SignUp, alice: User, username: str) -> None:
    assert errors_of(sign_up(username=username)) == {
        "username": ["This username is taken. Choose another one."]
    }
    assert User.objects.count() == 1


def test_a_password_is_never_sent_back_to_the_page(sign_up: SignUp) -> None:
    response = sign_up(username="ab", password1="my very own phrase")
    assert b"my very own phrase" not in response.content
    assert b"Carol" in response.content


def test_mallory_cannot_make_herself_an_administrator(sign_up: SignUp) -> None:
    """Mass assignment (docs/threats.md T65)."""
    extra = {
        "is_staff": "on",
        "is_superuser": "on",
        "id": "1",
        "public_id": "aaaaaaaaaaaaaaaa",
        "is_active": "",
        "theme": "dark",
        "about": "x",
        "password": "other",
    }
    sign_up(**extra)
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.is_active, user.profile.about) == (False, False, True, "")
    assert user.public_id != "aaaaaaaaaaaaaaaa"
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(
    "email",
    [
        "a@example.com\nBcc: b@example.com",
        "a@example.com\r\nBcc:b@example.com",
        "a%0aBcc:b@example.com, c@example.com",
    ],
)
def test_an_address_cannot_inject_an_email_header(sign_up: SignUp, email: str) -> None:
    assert "email" in errors_of(sign_up(email=email))


def test_language_and_theme_of_the_visitor_become_those_of_the_account(
    sign_up: SignUp, client: Client
) -> None:
    client.cookies["django_language"] = "ru"
    client.cookies["theme"] = "dark"
    sign_up()
    profile = Profile.objects.get()
    assert (profile.language, profile.theme) == ("ru", "dark")


def test_an_unknown_theme_cookie_is_ignored(sign_up: SignUp, client: Client) -> None:
    client.cookies["theme"] = "<script>"
    sign_up()
    assert Profile.objects.get().theme == "auto"


class TestRegistration:
    def test_closed_registration_accepts_no_sign_up(
        self, sign_up: SignUp, client: Client, settings: Any
    ) -> None:
        settings.REGISTRATION = "closed"
        for response in (client.get("/accounts/signup/"), sign_up()):
            assert "account/signup_closed.html" in [template.name for template in response.templates]
        assert not User.objects.exists()

    def test_registration_by_invite_requires_an_invite(self, sign_up: SignUp, settings: Any) -> None:
        settings.REGISTRATION = "invite"
        sign_up()
        assert not User.objects.exists()

    def test_accounts_alone_know_no_invites(self, settings: Any, rf: Any) -> None:
        opened = {}
        for settings.REGISTRATION in ("open", "invite", "closed"):
            opened[settings.REGISTRATION] = AccountAdapter().is_open_for_signup(rf.get("/"))
        assert opened == {"open": True, "invite": False, "closed": False}


class TestTheHook:
    """conversations accepts the invite in the transaction that creates the account."""

    @pytest.fixture
    def adapter(self) -> type[AccountAdapter]:
        return type(get_adapter())

    def test_it_gets_a_complete_account(
        self, sign_up: SignUp, adapter: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Any] = []
        monkeypatch.setattr(
            adapter,
            "account_created",
            lambda self, request, user: seen.append((user.username, user.profile.listed, request.path)),
        )
        sign_up()
        assert seen == [("carol", True, "/accounts/signup/")]

    def test_when_it_fails_there_is_no_account(
        self, sign_up: SignUp, client: Client, adapter: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Any, request: Any, user: User) -> None:
            assert User.objects.filter(pk=user.pk).exists()
            raise ValidationError("This invite has just been accepted.")

        monkeypatch.setattr(adapter, "account_created", refuse)
        assert errors_of(sign_up(email="carol@example.com")) == {
            "__all__": ["This invite has just been accepted."]
        }
        assert (User.objects.count(), Profile.objects.count(), EmailAddress.objects.count()) == (0, 0, 0)
        assert not is_signed_in(client)

    def test_it_may_return_its_own_response(
        self, sign_up: SignUp, adapter: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Any, request: Any, user: User) -> None:
            raise ImmediateHttpResponse(HttpResponse("gone", status=410))

        monkeypatch.setattr(adapter, "account_created", refuse)
        assert sign_up().status_code == 410
        assert not User.objects.exists()
