"""The sign-up form: allauth's, with a name, a visibility switch and an optional email address."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
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
from accounts.fields import NameField, PlainFields, UsernameField
from accounts.models import USERNAME_MAX, User
from accounts.passwords import NotAboutYou


class SignupForm(PlainFields, allauth.SignupForm):  # type: ignore[misc]
    """Creates an account. A client cannot set anything that is not a field here (docs/threats.md T65)."""

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
        # allauth requires an address wherever addresses are verified; here it is always optional.
        kwargs["email_required"] = False
        super().__init__(*args, **kwargs)
        username = self.fields["username"]
        username.label = _("Username")
        # allauth adds the length validator a second time, which would show the error twice.
        username.validators.remove(MaxLengthValidator(USERNAME_MAX))
        if not settings.MAIL_CONFIGURED:
            # Without mail the form can promise nothing for an address. An API client may still send one, for
            # login.
            self.fields["email"].widget = forms.HiddenInput()
        self.fields["email"].label = _("Email (optional)")
        self.fields["email"].help_text = _(
            "To reset your password if you forget it. Other people never see it."
        )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if data.get("password1") and data.get("name"):
            try:
                # allauth compares the password with username and email; the name is our own field.
                NotAboutYou(user_attributes=("name",)).validate(data["password1"], User(name=data["name"]))
            except ValidationError as refusal:
                self.add_error("password1", refusal)
        return data

    def validate_unique_email(self, email: str) -> str:
        """Only a verified address is taken: a sign-up of a stranger must not lock its owner out."""
        is_verified = EmailAddress.objects.filter(email=email, verified=True).exists()
        self.account_already_exists = bool(settings.MAIL_CONFIGURED) and is_verified
        return email

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Always creates an account, also if the email address has one already.

        The username is taken, the invite accepted and the login answered in both cases; a difference in any
        of them would reveal that the address is known (docs/threats.md T23). Only the email differs: its
        owner gets no code for the new account.
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
        """Store the account with its related rows in one transaction.

        Raises: ValidationError: a concurrent request took the username, or `account_created` rejected the
            account.
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
