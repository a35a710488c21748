"""Email address services for servers that send no email; with a mail server, allauth's flows do this."""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.selectors import account_by_email


def email_to_store(email: str, *, owner: User | None = None) -> str:
    """The address in lower case; empty if no email can verify it and another account already has it.

    The user gets no error, because an error would reveal who has an account. Pages without mail do not show
    addresses.
    """
    wanted = email.lower()
    if settings.MAIL_CONFIGURED or not wanted:
        return wanted
    holder = account_by_email(wanted)
    return wanted if holder is None or holder == owner else ""


@transaction.atomic
def email_replace(*, user: User, email: str) -> EmailAddress:
    """Replace the address of an account without verification. An address of another account is not stored."""
    address = EmailAddress(user=user, email=email_to_store(email, owner=user), primary=True, verified=False)
    EmailAddress.objects.filter(user=user).delete()
    if address.email:
        address.save(force_insert=True)
    user.email = address.email
    user.save(update_fields=["email"])
    return address
