"""Login forms: username or email with the password, and the password again before sensitive actions."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.app_settings import LoginMethod
from allauth.account.internal.flows.login import derive_login_method
from django.utils.translation import gettext_lazy as _

from accounts.fields import EMAIL_MAX, PlainFields
from accounts.selectors import account_by_email
from accounts.usernames import normalize_username


class LoginForm(PlainFields, allauth.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["login"]
        login.label = _("Username or email")
        login.error_messages["required"] = _("Enter your username or email address.")
        login.widget.attrs |= {
            "autocomplete": "username webauthn",
            "autocapitalize": "none",
            "spellcheck": "false",
        }

    def clean_login(self) -> str:
        """Accepts a username with the @ that pages show before it, because users copy it."""
        # No account has a longer name, so the rest is irrelevant.
        login: str = self.cleaned_data["login"].strip()[: EMAIL_MAX + 1]
        return normalize_username(login) if login.startswith("@") else login

    def user_credentials(self) -> dict[str, str]:
        """Resolves the input to one account, so that each attempt costs one password hash (docs/threats.md
        T23).

        `typed` is the key for counting attempts: counting by account would reveal which username belongs to
        an address.
        """
        typed = self.cleaned_data["login"]
        credentials = {"typed": typed, "password": self.cleaned_data["password"]}
        if derive_login_method(typed) is not LoginMethod.EMAIL:
            return {**credentials, "username": typed}
        account = account_by_email(typed)
        # Without `username` nothing matches; allauth would try an email address as a username as well.
        return credentials if account is None else {**credentials, "username": account.username}


class ReauthenticateForm(PlainFields, allauth.ReauthenticateForm):  # type: ignore[misc]
    pass
