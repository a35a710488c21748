"""What people fill in: sign-up, log-in, passwords, and what they chose to show.

Checks and words are here; what is stored goes through services.
"""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.fields import NameField, PlainFields, TextField
from accounts.models import USERNAME_MAX, USERNAME_MIN, Profile, User
from accounts.passwords import NotAboutYou
from accounts.usernames import tidy_username


class SignupForm(PlainFields, allauth.SignupForm):  # type: ignore[misc]
    """Makes an account. What is not a field here cannot be set by whoever signs up (safety.md T65)."""

    name = NameField()
    username = forms.CharField(
        min_length=USERNAME_MIN,
        max_length=USERNAME_MAX,
        help_text=_("People find you by it. Letters a to z, digits, dots, dashes and underscores."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={
            "required": _("Choose a username."),
            "min_length": _("Use at least %(limit_value)d characters."),
            "max_length": _("Use at most %(limit_value)d characters."),
        },
    )
    listed = forms.BooleanField(
        label=_("Show me in People"), required=False, initial=True, help_text=_("Others on this server can find you by name or username.")
    )
    field_order = ("name", "username", "email", "password1", "listed")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # allauth wants an address from everybody wherever addresses are verified; here it is asked of nobody.
        kwargs["email_required"] = False
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("Username")
        self.fields["email"].label = _("Email (optional)")
        self.fields["email"].help_text = _("To get back in if you forget your password. Nobody else sees it.")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if data.get("password1") and data.get("name"):
            try:
                # allauth compares the password with username and address; the name is ours.
                NotAboutYou(user_attributes=("name",)).validate(data["password1"], User(name=data["name"]))
            except ValidationError as refusal:
                self.add_error("password1", refusal)
        return data

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
        login: str = self.cleaned_data["login"].strip()
        return tidy_username(login) if login.startswith("@") else login


class ResetPasswordForm(PlainFields, allauth.ResetPasswordForm):  # type: ignore[misc]
    def clean(self) -> dict[str, Any]:
        if not settings.MAIL_CONFIGURED:
            # Said to everybody alike, whether the address is known or not.
            raise ValidationError(_("This server sends no mail. Ask the person who runs it for a one-time link."), code="no_mail")
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
        self.fields["password1"].label = _("New password")
        self.fields["oldpassword"].label = _("Current password")


class SetPasswordForm(PlainFields, allauth.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(PlainFields, allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("New password")


class ReauthenticateForm(PlainFields, allauth.ReauthenticateForm):  # type: ignore[misc]
    pass


class ConfirmCodeForm(PlainFields, allauth.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    pass


class ProfileForm(forms.Form):
    name = NameField()
    about = TextField(
        label=_("About you"), max_length=140, required=False, error_messages={"max_length": _("Use at most %(limit_value)d characters.")}
    )

    @classmethod
    def initial_of(cls, profile: Profile) -> dict[str, Any]:
        return {"name": profile.user.name, "about": profile.about}

    def save(self, profile: Profile) -> None:
        services.profile_update(profile=profile, name=self.cleaned_data["name"], about=self.cleaned_data["about"])


class PrivacyForm(forms.Form):
    """What others see and may do. Requests of strangers join when they exist."""

    listed = forms.BooleanField(
        label=_("Show me in People"), required=False, help_text=_("Others on this server can find you by name or username.")
    )
    only_by_invite = forms.BooleanField(
        label=_("New chats only with my invite link"), required=False, help_text=_("Nobody else can start a chat with you.")
    )
    invites_show_name = forms.BooleanField(
        label=_("Show my name on my invites"), required=False, help_text=_("Whoever opens your invite link sees who it is from.")
    )

    shares_receipts = forms.BooleanField(
        label=_("Read receipts"),
        required=False,
        help_text=_("Others see when you have read their messages. Without it you don’t see theirs either."),
    )
    shares_typing = forms.BooleanField(
        label=_("Typing"), required=False, help_text=_("Others see when you are typing. Without it you don’t see theirs either.")
    )
    shares_presence = forms.BooleanField(
        label=_("Last seen and online"),
        required=False,
        help_text=_("People you chat with see when you are here. Without it you don’t see theirs either."),
    )

    @classmethod
    def initial_of(cls, profile: Profile) -> dict[str, Any]:
        return {
            "listed": profile.listed,
            "only_by_invite": profile.start_by == Profile.StartBy.ONLY_BY_INVITE,
            "invites_show_name": profile.invites_show_name,
            "shares_receipts": profile.shares_receipts,
            "shares_typing": profile.shares_typing,
            "shares_presence": profile.shares_presence,
        }

    def save(self, profile: Profile) -> None:
        choices = dict(self.cleaned_data)
        if choices.pop("only_by_invite"):
            choices["start_by"] = Profile.StartBy.ONLY_BY_INVITE
        elif profile.start_by == Profile.StartBy.ONLY_BY_INVITE:
            choices["start_by"] = Profile.StartBy.AFTER_I_ACCEPT
        services.privacy_update(profile=profile, **choices)


class AppearanceForm(forms.Form):
    theme = forms.ChoiceField(label=_("Theme"), choices=Profile.Theme.choices, widget=forms.RadioSelect)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    @classmethod
    def initial_of(cls, profile: Profile) -> dict[str, Any]:
        return {"theme": profile.theme, "language": profile.language or get_language()}

    def save(self, profile: Profile) -> None:
        services.appearance_update(profile=profile, **self.cleaned_data)
