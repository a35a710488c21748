"""The 429 page of rate-limited requests. allauth calls it as the project's `handler429`."""

from __future__ import annotations

from http import HTTPStatus

from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.rate_limits import retry_after_s

LIMITED_ACTIONS = {
    "account_signup": ("signup", "confirm_email"),
    "account_login": ("login",),
    "account_reauthenticate": ("reauthenticate",),
    "account_email": ("manage_email", "confirm_email"),
    "account_email_verification_sent": ("confirm_email",),
    "account_change_password": ("change_password",),
    "account_set_password": ("change_password",),
    "account_reset_password": ("reset_password",),
    "account_reset_password_from_key": ("reset_password_from_key",),
}
"""URL name to the limited actions of allauth."""


def too_many(request: HttpRequest) -> HttpResponse:
    page = request.resolver_match.url_name if request.resolver_match else None
    seconds = retry_after_s(request, *LIMITED_ACTIONS.get(page or "", ()), key=recipient_of(request))
    response = render(request, "429.html", {"wait_s": seconds}, status=HTTPStatus.TOO_MANY_REQUESTS)
    if seconds:
        response["Retry-After"] = str(seconds)
    return response


def recipient_of(request: HttpRequest) -> str:
    """The key of email limits: the address in the form, or the one that is being verified."""
    pending = request.session.get(EMAIL_VERIFICATION_CODE_SESSION_KEY) or {}
    email: str = request.POST.get("email") or pending.get("email") or ""
    return email.strip().lower()
