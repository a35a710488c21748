"""What people fill in: sign-up, log-in, passwords. Settings have forms of their own (settings_forms.py).

Checks and words are here; what is stored goes through services.
"""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.fields import EMAIL_MAX, NameField, PlainFields, UsernameField
from accounts.models import USERNAME_MAX, User
from accounts.passwords import NotAboutYou
from accounts.usernames import tidy_username


class SignupForm(PlainFields, allauth.SignupForm):  # type: ignore[misc]
    """Makes an account. What is not a field here cannot be set by whoever signs up (safety.md T65)."""

    name = NameField()
    username = UsernameField()
    listed = forms.BooleanField(
        label=_("Show me in People"), required=False, initial=True, help_text=_("Others on this server can find you by name or username.")
    )
    field_order = ("name", "username", "email", "password1", "listed")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # allauth wants an address from everybody wherever addresses are verified; here it is asked of nobody.
        kwargs["email_required"] = False
        super().__init__(*args, **kwargs)
        username = self.fields["username"]
        username.label = _("Username")
        # allauth has added the length once more, and it would be told twice.
        username.validators.remove(MaxLengthValidator(USERNAME_MAX))
        self.fields["email"].label = _("Email (optional)")
        self.fields["email"].help_text = _("To reset your password if you forget it. Other people never see it.")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if data.get("password1") and data.get("name"):
            try:
                # allauth compares the password with username and address; the name is ours.
                NotAboutYou(user_attributes=("name",)).validate(data["password1"], User(name=data["name"]))
            except ValidationError as refusal:
                self.add_error("password1", refusal)
        return data

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """As allauth's, which makes no account where the address has one; but the time of the answer must not tell that (safety.md T23)."""
        if self.account_already_exists:
            # Most of the time that an account takes.
            make_password(self.cleaned_data["password1"])
        saved: tuple[User | None, HttpResponse | None] = super().try_save(request)
        return saved

    def save(self, request: HttpRequest) -> User:
        """Store the account with all that belongs to it, or nothing.

        Raises:
            ValidationError: the username was taken in this very moment, or `account_created` refused.
        """
        data = self.cleaned_data
        try:
            return services.account_create(
                username=data["username"],
                name=data["name"],
                password=data["password1"],
                email=data["email"],
                listed=data["listed"],
                language=get_language() or "",
                theme=request.COOKIES.get("theme", ""),
                then=lambda user: get_adapter().account_created(request, user),
            )
        except IntegrityError:
            if not User.objects.filter(username=data["username"]).exists():
                raise
            raise ValidationError({"username": get_adapter().validation_error("username_taken")}) from None


class LoginForm(PlainFields, allauth.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["login"]
        login.label = _("Username or email")
        login.error_messages["required"] = _("Enter your username or email address.")
        login.widget.attrs |= {"autocomplete": "username webauthn", "autocapitalize": "none", "spellcheck": "false"}

    def clean_login(self) -> str:
        """People copy their handle with the sign before it."""
        # What is longer than any name is nobody's, whatever follows.
        login: str = self.cleaned_data["login"].strip()[: EMAIL_MAX + 1]
        return tidy_username(login) if login.startswith("@") else login

    def user_credentials(self) -> dict[str, str]:
        """An address is nobody's handle. Tried as both, one that has an account would take the time of two passwords (safety.md T23)."""
        credentials: dict[str, str] = super().user_credentials()
        if "email" in credentials:
            credentials.pop("username", None)
        return credentials


class ResetPasswordForm(PlainFields, allauth.ResetPasswordForm):  # type: ignore[misc]
    def clean(self) -> dict[str, Any]:
        if not settings.MAIL_CONFIGURED:
            # Said to everybody alike, whether the address is known or not.
            raise ValidationError(_("This server can’t send email. Ask its administrator for a one-time link."), code="no_mail")
        data: dict[str, Any] = super().clean()
        return data


class AddEmailForm(PlainFields, allauth.AddEmailForm):  # type: ignore[misc]
    def save(self, request: HttpRequest) -> Any:
        """Where no mail goes out nothing can be verified: the new address takes the old one's place at once."""
        if settings.MAIL_CONFIGURED:
            return super().save(request)
        return services.email_replace(user=self.user, email=self.cleaned_data["email"])


class ChangePasswordForm(PlainFields, allauth.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        new, old = self.fields["password1"], self.fields["oldpassword"]
        new.label, old.label = _("New password"), _("Current password")
        new.error_messages["required"], old.error_messages["required"] = _("Enter a new password."), _("Enter your current password.")


class SetPasswordForm(PlainFields, allauth.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(PlainFields, allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("New password")


class ReauthenticateForm(PlainFields, allauth.ReauthenticateForm):  # type: ignore[misc]
    pass


class ConfirmCodeForm(PlainFields, allauth.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].error_messages["required"] = _("Enter the code from the email.")
