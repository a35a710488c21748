"""Account services: create, suspend and restore an account."""

from collections.abc import Callable
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.models import Profile, User, profile_search_key
from accounts.passwords import normalize_password
from accounts.services.emails import email_to_store
from accounts.services.handles import require_distinct
from accounts.signals import account_status_changed, profile_changing


def account_create(
    *,
    username: str,
    name: str,
    password: str | None = None,
    email: str = "",
    listed: bool = True,
    language: str = "",
    theme: str = "",
    then: Callable[[User], Any] | None = None,
) -> User:
    """Create an account with its profile and its unverified email address, in one transaction.

    Args:
        password: None creates an account without a usable password; a one-time link sets one later.
        then: called with the new user inside the transaction; an exception from it rolls everything back.

    Raises:
        ValidationError: the username or the name is invalid.
        UsernameTaken; IntegrityError when a concurrent request took the username.
    """
    # Hashed before the transaction: hashing takes a tenth of a second, and SQLite has a single writer.
    user = User(
        username=username.lower(),
        name=name,
        email=email_to_store(email),
        password=make_password(password and normalize_password(password)),
    )
    user.clean_fields(exclude=["password"])
    with transaction.atomic():
        require_distinct(user.username)
        user.save(force_insert=True)
        Profile.objects.create(
            user=user,
            listed=listed,
            search_key=profile_search_key(user.name, user.username),
            language=one_of(language, [code for code, _ in settings.LANGUAGES], ""),
            theme=one_of(theme, Profile.Theme.values, Profile.Theme.AUTO),
        )
        if user.email:
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
        if then is not None:
            then(user)
    return user


def one_of(value: str, values: list[str], default: str) -> str:
    return value if value in values else default


@transaction.atomic
def account_deactivate(*, user: User) -> None:
    """Suspend the account: no login, not listed in People, every session invalid. Deletes nothing.

    Announces: `profile_changing`, `account_status_changed` (closes the account's sockets).
    """
    profile_changing.send(sender=User, user_id=user.pk)
    user.is_active = False
    user.save(update_fields=["is_active"])
    account_status_changed.send(sender=User, user=user)


@transaction.atomic
def account_reactivate(*, user: User) -> None:
    """Restore a suspended account.

    Announces: `profile_changing`.
    """
    profile_changing.send(sender=User, user_id=user.pk)
    user.is_active = True
    user.save(update_fields=["is_active"])
