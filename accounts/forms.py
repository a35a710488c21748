"""What people fill in: sign-up, log-in, passwords. Settings have forms of their own (settings_forms.py).

Checks and words are here; what is stored goes through services.
"""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.app_settings import LoginMethod
from allauth.account.internal.flows.login import derive_login_method
from allauth.account.internal.flows.signup import prevent_enumeration
from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
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
from accounts.selectors import account_by_email
from accounts.usernames import normalize_username


class SignupForm(PlainFields, allauth.SignupForm):  # type: ignore[misc]
    """Makes an account. What is not a field here cannot be set by whoever signs up (safety.md T65)."""

    name = NameField()
    username = UsernameField()
    listed = forms.BooleanField(
        label=_("Show me in People"),
        required=False,
        initial=True,
        help_text=_("Others on this server can find you by name or username."),
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
        if not settings.MAIL_CONFIGURED:
            # Nothing could be promised for it. A program may still send one, to log in with.
            self.fields["email"].widget = forms.HiddenInput()
        self.fields["email"].label = _("Email (optional)")
        self.fields["email"].help_text = _(
            "To reset your password if you forget it. Other people never see it."
        )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if data.get("password1") and data.get("name"):
            try:
                # allauth compares the password with username and address; the name is ours.
                NotAboutYou(user_attributes=("name",)).validate(data["password1"], User(name=data["name"]))
            except ValidationError as refusal:
                self.add_error("password1", refusal)
        return data

    def validate_unique_email(self, email: str) -> str:
        """Only who has confirmed an address can keep others from it: a stranger's sign-up must not lock its owner out."""
        is_proven = EmailAddress.objects.filter(email=email, verified=True).exists()
        self.account_already_exists = bool(settings.MAIL_CONFIGURED) and is_proven
        return email

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """An account is made in any case, and with it the username is taken, the invite used, the log-in answered: if there were none where
        the address has one already, each of these would tell so (safety.md T23). The mail alone differs: its owner gets no code for it.
        """
        user = self.save(request)
        if not self.account_already_exists:
            return user, None
        get_adapter().pre_login(
            request,
            user,
            email_verification=None,
            signal_kwargs=None,
            email=None,
            signup=True,
            redirect_url=None,
        )
        return None, prevent_enumeration(request, email=self.cleaned_data["email"])

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
        except services.UsernameTaken:
            raise ValidationError({"username": get_adapter().validation_error("username_taken")}) from None
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
        login.widget.attrs |= {
            "autocomplete": "username webauthn",
            "autocapitalize": "none",
            "spellcheck": "false",
        }

    def clean_login(self) -> str:
        """People copy their handle with the sign before it."""
        # What is longer than any name is nobody's, whatever follows.
        login: str = self.cleaned_data["login"].strip()[: EMAIL_MAX + 1]
        return normalize_username(login) if login.startswith("@") else login

    def user_credentials(self) -> dict[str, str]:
        """The one account that is meant, so that every try costs one password hash, whatever was typed (safety.md T23).

        `typed` is what tries are counted by: counted by account, they would tell which handle belongs to an address.
        """
        typed = self.cleaned_data["login"]
        credentials = {"typed": typed, "password": self.cleaned_data["password"]}
        if derive_login_method(typed) is not LoginMethod.EMAIL:
            return {**credentials, "username": typed}
        account = account_by_email(typed)
        # An address is nobody's handle: allauth would try it as both.
        return credentials if account is None else {**credentials, "username": account.username}


class ResetPasswordForm(PlainFields, allauth.ResetPasswordForm):  # type: ignore[misc]
    def clean(self) -> dict[str, Any]:
        if not settings.MAIL_CONFIGURED:
            # Said to everybody alike, whether the address is known or not.
            raise ValidationError(
                _("This server can’t send email. Ask its administrator for a one-time link."), code="no_mail"
            )
        data: dict[str, Any] = super().clean()
        return data

    def clean_email(self) -> str:
        """One mail, to the account that the address leads to; allauth would write one for each that ever named it."""
        email: str = super().clean_email()
        account = account_by_email(email, with_pending=True)
        self.users = [account] if account is not None and account.is_active else []
        return email


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
        new.error_messages["required"], old.error_messages["required"] = (
            _("Enter a new password."),
            _("Enter your current password."),
        )


class SetPasswordForm(PlainFields, allauth.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(PlainFields, allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("New password")


class UserTokenForm(allauth.UserTokenForm):  # type: ignore[misc]
    """Reads whose link it is. allauth names the account by its number, and that tells how many there are."""

    def _get_user(self, name: str) -> User | None:
        # Links of before are good for a day.
        found = User.objects.filter(public_id=name).first() if name.isascii() and "\0" not in name else None
        return found or super()._get_user(name)


class ReauthenticateForm(PlainFields, allauth.ReauthenticateForm):  # type: ignore[misc]
    pass


class ConfirmCodeForm(PlainFields, allauth.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].error_messages["required"] = _("Enter the code from the email.")

    def clean_code(self) -> str:
        """As allauth's, but only another account that has proven the address stands in the way: naming it is nothing."""
        code: str = super(allauth.ConfirmEmailVerificationCodeForm, self).clean_code()
        if (
            code
            and EmailAddress.objects.filter(email=self.email, verified=True).exclude(user=self.user).exists()
        ):
            raise get_adapter().validation_error("email_taken")
        return code
