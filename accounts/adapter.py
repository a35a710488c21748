"""allauth adapter: the policy for sign-up, usernames, login limits, redirects, emails and notices.

Knows no invites; conversations/account_adapter.py extends it for users who follow an invite.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.utils import url_str_to_user_pk
from allauth.core import ratelimit
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import mailer
from accounts.appearance import DEFAULT
from accounts.client_address import address_of
from accounts.cookies import APPEARANCE, remember_appearance, remember_language, remember_theme
from accounts.login_attempts import TooManyLoginAttempts, count_attempt, remember_browser
from accounts.models import Profile, User
from accounts.passwords import normalize_password
from accounts.public_urls import public_host, public_link
from accounts.rate_limits import retry_after_s, wait_sentence
from accounts.redirects import is_local_path
from accounts.selectors import appearance_of, profile_of, username_is_imitation, username_is_taken
from accounts.usernames import is_reserved, normalize_username

NO_MATCH = _("That username or password isn’t right.")
TEN_SECONDS = _("Too many attempts. Wait 10 seconds.")
SILENT = frozenset({"account/messages/logged_in.txt", "account/messages/logged_out.txt"})
"""Notices without information: the page itself already shows it."""
BY_ANY_VISITOR = (
    "email_confirmation",
    "email_confirmation_signup",
    "account_already_exists",
    "unknown_account",
    "password_reset_key",
)
"""Emails that any visitor can send to any address by typing it into a form."""
logger = logging.getLogger(__name__)


def login_of(credentials: dict[str, Any]) -> str:
    """The key for counting login attempts: the input as typed, whichever account it resolves to."""
    return str(
        credentials.get("typed") or credentials.get("email") or credentials.get("username") or ""
    ).lower()


def too_many_attempts(wait_s: int) -> ValidationError:
    return ValidationError(
        _("Too many attempts. %(wait)s"),
        code="too_many_login_attempts",
        params={"wait": wait_sentence(wait_s)},
    )


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Policy without invites."""

    attempts: Sequence[Any] = ()

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        # One sentence for every mismatch, so that it does not reveal which of the two was right.
        "username_password_mismatch": NO_MATCH,
        "email_password_mismatch": NO_MATCH,
        "invalid_login": NO_MATCH,
        "username_blacklisted": _("This username is reserved. Choose another one."),
        "username_taken": _("This username is taken. Choose another one."),
        "username_look_alike": _("This username looks too much like another one. Choose another one."),
        "incorrect_password": _("This is not your password. Try again."),
        "enter_current_password": _("This is not your current password. Try again."),
        "incorrect_code": _("That code isn’t right. Check it or request a new one."),
        # For emailed codes only, one in ten seconds (settings.py); for passwords see pre_authenticate.
        "too_many_login_attempts": TEN_SECONDS,
        "rate_limited": TEN_SECONDS,
    }

    # Signing up

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.REGISTRATION == "open")

    def clean_username(self, username: str, shallow: bool = False) -> str:
        tidy = normalize_username(username)
        if is_reserved(tidy, settings.SITE_NAME):
            raise self.validation_error("username_blacklisted")
        clean: str = super().clean_username(tidy, shallow=shallow)
        if not shallow:
            self.require_free(clean)
        return clean

    def clean_new_username(self, username: str, user: User) -> str:
        """As clean_username for an existing account: its own usernames, also held ones, are free."""
        clean: str = self.clean_username(username, shallow=True)
        self.require_free(clean, by=user)
        return clean

    def require_free(self, username: str, *, by: User | None = None) -> None:
        """Raises ValidationError."""
        if username_is_taken(username, by=by):
            raise self.validation_error("username_taken")
        # A recipient of a message from "1isa.miller" believes that it is from Lisa (docs/threats.md T61).
        if username_is_imitation(username, by=by):
            raise self.validation_error("username_look_alike")

    def account_created(self, request: HttpRequest, user: User) -> None:
        """Hook inside the transaction of a sign-up. An exception from it rolls the account back.

        A ValidationError is shown in the form; an allauth ImmediateHttpResponse replaces the form.
        """

    # Logging in

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """As allauth's, but states the time to wait, and also counts across addresses (login_attempts.py)."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            key = self._get_login_attempts_cache_key(request, **credentials)
            raise too_many_attempts(max(1, retry_after_s(request, "login_failed", key=key))) from None
        try:
            self.attempts = count_attempt(request, login_of(credentials))
        except TooManyLoginAttempts as refusal:
            raise too_many_attempts(refusal.wait_s) from None

    def _rollback_login_failed_rl_usage(self) -> None:
        super()._rollback_login_failed_rl_usage()
        for usage in self.attempts:
            usage.rollback()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Equalizes the response time of unknown and known accounts.

        For a known account, User.check_password hashes a non-normalized password twice.
        """
        typed = str(credentials.get("password") or "")
        if (
            normalize_password(typed) != typed
            and not User.objects.filter(username=str(credentials.get("username") or "").lower()).exists()
        ):
            make_password(typed)

    def reauthenticate(self, user: User, password: str) -> bool:
        """By username only: allauth would also try every other account with the same address."""
        found = self.authenticate(self.request, username=user.username, password=password)
        return found is not None and found.pk == user.pk

    def get_login_stages(self) -> list[str]:
        ours = {"allauth.account.stages.EmailVerificationStage": "accounts.stages.VerifyEmailIfGiven"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def post_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse:
        """Apply the appearance chosen on the user's other devices to this one."""
        response: HttpResponse = super().post_login(request, user, **details)
        profile = profile_of(user)
        if profile.language:
            remember_language(response, profile.language)
        if profile.theme != Profile.Theme.AUTO or "theme" in request.COOKIES:
            remember_theme(response, profile.theme)
        if appearance_of(profile) != DEFAULT or APPEARANCE in request.COOKIES:
            remember_appearance(response, appearance_of(profile))
        remember_browser(request, response, user)
        return response

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failed attempts by client address and input.

        Not by the input alone, which would let an attacker lock out any user (docs/threats.md T37). Not with
        the Host header, as allauth does, because every invented port would start a new count (docs/threats.md
        T36).
        """
        return f"{self.get_client_ip(request)}|{login_of(credentials)}"

    def get_client_ip(self, request: HttpRequest) -> str:
        """As in our own limits. Never fails: counts clients that bypass the proxies or use a Unix socket."""
        return address_of(request.META)

    # Redirects

    def is_safe_url(self, url: str | None) -> bool:
        return is_local_path(url or "")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("settings_account")

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        if self.request.user.is_authenticated:
            return reverse("account_email")
        return str(super().get_email_verification_redirect_url(email_address))

    # Emails and notices

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send an email. Emails that any visitor can trigger share a daily limit for each address.

        A dropped email causes no error: that would reveal what is sent to an address, and thus whether it has
        an account.
        """
        if template_prefix.endswith(BY_ANY_VISITOR) and not ratelimit.consume(
            self.request, action="mail_to_address", key=email.lower()
        ):
            logger.warning("an email was not sent: the daily limit of its address is reached")
            return
        site = SimpleNamespace(name=settings.SITE_NAME, domain=public_host())
        common = {
            "request": self.request,
            "email": email,
            "current_site": site,
            "handle": handle_for(context.get("user"), email),
        }
        mail = self.render_mail(template_prefix, email, {**common, **context})
        mailer.enqueue(mail)

    def get_reset_password_from_key_url(self, key: str) -> str:
        uidb36, _dash, token = key.partition("-")
        user = User.objects.get(pk=url_str_to_user_pk(uidb36))
        return public_link("account_reset_password_from_key", uidb36=user.public_id, key=token)

    def send_account_already_exists_mail(self, email: str) -> None:
        links = {
            "signup_url": public_link("account_signup"),
            "password_reset_url": public_link("account_reset_password"),
        }
        self.send_mail("account/email/account_already_exists", email, links)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return public_link("account_confirm_email", key=emailconfirmation.key)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        is_untrue = (
            message_template == "account/messages/email_confirmation_sent.txt"
            and not settings.MAIL_CONFIGURED
        )
        if message_template not in SILENT and not is_untrue:
            super().add_message(request, level, message_template, *args, **kwargs)


def handle_for(user: User | None, email: str) -> str:
    """The username as an email may show it, or nothing.

    Mail programs turn a name such as "prize.example" into a link, so a username with a dot is shown only to a
    verified address of its owner.
    """
    if user is None or (
        "." in user.username
        and not EmailAddress.objects.filter(user=user, email=email, verified=True).exists()
    ):
        return ""
    return str(user.username)
