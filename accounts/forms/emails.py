"""Email address forms: a new address, and the code that verifies it."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.fields import PlainFields


class AddEmailForm(PlainFields, allauth.AddEmailForm):  # type: ignore[misc]
    def save(self, request: HttpRequest) -> Any:
        """Without mail nothing can be verified: the new address replaces the old one immediately."""
        if settings.MAIL_CONFIGURED:
            return super().save(request)
        return services.email_replace(user=self.user, email=self.cleaned_data["email"])


class ConfirmCodeForm(PlainFields, allauth.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].error_messages["required"] = _("Enter the code from the email.")

    def clean_code(self) -> str:
        """As allauth's, but only an account that has verified the address prevents it."""
        code: str = super(allauth.ConfirmEmailVerificationCodeForm, self).clean_code()
        if (
            code
            and EmailAddress.objects.filter(email=self.email, verified=True).exclude(user=self.user).exists()
        ):
            raise get_adapter().validation_error("email_taken")
        return code
