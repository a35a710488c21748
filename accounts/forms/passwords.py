"""Password forms: request a reset link, set a password by the link, change it."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.fields import PlainFields
from accounts.models import User
from accounts.selectors import account_by_email


class ResetPasswordForm(PlainFields, allauth.ResetPasswordForm):  # type: ignore[misc]
    def clean(self) -> dict[str, Any]:
        if not settings.MAIL_CONFIGURED:
            # The same answer for every address, known or not.
            raise ValidationError(
                _("This server can’t send email. Ask its administrator for a one-time link."), code="no_mail"
            )
        data: dict[str, Any] = super().clean()
        return data

    def clean_email(self) -> str:
        """One email, to the account that the address resolves to, instead of all that named it."""
        email: str = super().clean_email()
        account = account_by_email(email, with_pending=True)
        self.users = [account] if account is not None and account.is_active else []
        return email


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
    """Reset links carry the public id; allauth's row id would reveal how many accounts exist."""

    def _get_user(self, name: str) -> User | None:
        # Links issued by earlier versions carry the row id and are valid for a day.
        found = User.objects.filter(public_id=name).first() if name.isascii() and "\0" not in name else None
        return found or super()._get_user(name)
