"""Password services: one-time links to set a password."""

from allauth.account.forms import default_token_generator

from accounts.models import User
from accounts.public_urls import public_link


class AccountInactive(Exception):
    """The account is suspended; no link is made for it until it is restored."""


def password_link(*, user: User) -> str:
    """A one-time link to set a new password, valid for PASSWORD_RESET_TIMEOUT.

    Needs no email: the administrator hands the link over. Using it, logging in or changing the email address
    invalidates it.

    Raises:
        AccountInactive: the account is suspended.
    """
    if not user.is_active:
        raise AccountInactive
    return public_link(
        "account_reset_password_from_key", uidb36=user.public_id, key=default_token_generator.make_token(user)
    )
