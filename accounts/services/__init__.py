"""Everything that changes an account. Whoever knocks has checked the form; what must hold on every way in is checked here again."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from accounts.avatars.storage import picture_forget, picture_store
from accounts.models import HeldUsername, Profile, User, profile_search_key
from accounts.passwords import normalize_password
from accounts.public_urls import public_link
from accounts.selectors import account_by_email, handles_held, username_is_imitation
from accounts.signals import account_status_changed, privacy_changed, profile_changing
from accounts.usernames import skeleton

USERNAME_HELD = timedelta(days=90)
MOST_HELD = 5
"""Handles that one person keeps from others at a time, beside the one in use."""
HANDLE_LOCK = 0x48414E44
"""The space of our advisory locks in PostgreSQL."""


class AccountInactive(Exception):
    """The account is suspended; nothing is made for it until somebody lets it back in."""


class UsernameTaken(Exception):
    """Somebody has this handle, or one that looks like it."""


class TooManyHandles(Exception):
    """So many left handles wait for this person already; `until` is when the first of them is free again."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


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
    """Make an account with its profile and its unproven address, in one transaction.

    Args:
        password: None makes an account that nobody can log in to until it gets one by a link.
        then: called with the new user inside the transaction; what it raises undoes everything.

    Raises:
        ValidationError: the username or the name cannot be one.
        UsernameTaken; IntegrityError in the very moment.
    """
    # Hashed before the transaction: it takes a tenth of a second, and SQLite has one writer.
    user = User(
        username=username.lower(),
        name=name,
        email=email_to_keep(email),
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
            language=known(language, [code for code, _ in settings.LANGUAGES], ""),
            theme=known(theme, Profile.Theme.values, Profile.Theme.AUTO),
        )
        if user.email:
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
        if then is not None:
            then(user)
    return user


def email_to_keep(email: str, *, by: User | None = None) -> str:
    """The address as it is stored; empty where no mail can prove whose it is and another account has it already.

    Nobody is told: a sentence would tell who has an account, and pages do not show addresses there.
    """
    wanted = email.lower()
    if settings.MAIL_CONFIGURED or not wanted:
        return wanted
    holder = account_by_email(wanted)
    return wanted if holder is None or holder == by else ""


def known(value: str, values: list[str], otherwise: str) -> str:
    return value if value in values else otherwise


def require_distinct(username: str, *, by: User | None = None) -> None:
    """Inside the transaction that takes the handle. Two who want look-alikes at one instant take turns here.

    Raises: UsernameTaken.
    """
    # SQLite has one writer anyway.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [HANDLE_LOCK, skeleton(username)]
            )
    if username_is_imitation(username, by=by):
        raise UsernameTaken


@transaction.atomic
def profile_update(*, profile: Profile, name: str, about: str, username: str | None = None) -> None:
    """Change what others read about a person, and under what they find them.

    Args:
        username: the new handle; the old one is held for its owner for USERNAME_HELD.

    Raises:
        UsernameTaken; IntegrityError when the handle was taken in this very moment.
        TooManyHandles: MOST_HELD wait already, or one account could keep any number of names from everybody.

    Announces: `profile_changing`.
    """
    user = profile.user
    if (name, username or user.username) != (user.name, user.username):
        profile_changing.send(sender=User, user_id=user.pk)
    if username is not None and username != user.username:
        username_change(user, username)
    user.name = name
    user.save(update_fields=["name", "username"])
    profile.about = about
    profile.search_key = profile_search_key(user.name, user.username)
    profile.save(update_fields=["about", "search_key"])


def username_change(user: User, username: str) -> None:
    # The person's row is the queue of their changes; parallel ones would all count one below the limit.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    require_distinct(username, by=user)
    HeldUsername.objects.filter(username=username, user=user).delete()
    held = handles_held(user)
    if len(held) >= MOST_HELD:
        raise TooManyHandles(held[0].until)
    left = {"user": user, "until": timezone.now() + USERNAME_HELD, "skeleton": skeleton(user.username)}
    HeldUsername.objects.update_or_create(username=user.username, defaults=left)
    user.username = username


def picture_set(*, user: User, webp: bytes) -> None:
    """Show this picture (of pictures.picture_make) wherever the person is shown. The one before is gone for everybody.

    Raises:
        OSError: it could not be kept; nothing has changed.
    """
    picture_change(user, picture_store(webp))


def picture_remove(*, user: User) -> None:
    """Back to letters on a colour."""
    picture_change(user, "")


@transaction.atomic
def picture_change(user: User, picture: str) -> None:
    profile_changing.send(sender=User, user_id=user.pk)
    before, user.picture = user.picture, picture
    user.save(update_fields=["picture"])
    transaction.on_commit(lambda: picture_forget(before), robust=True)


def privacy_update(*, profile: Profile, **choices: Any) -> None:
    """Change switches of a profile. `choices` are names of its fields.

    Announces: `privacy_changed`.
    """
    if choices.get("shares_presence") is False:
        # Switching it on again must not tell of the time before.
        choices["last_seen_at"] = None
    profile_set(profile, choices)
    privacy_changed.send(sender=Profile, user_id=profile.pk)


def profile_set(profile: Profile, choices: dict[str, Any]) -> None:
    for name, value in choices.items():
        setattr(profile, name, value)
    profile.save(update_fields=list(choices))


def last_seen_update(user_ids: Collection[int], now: datetime) -> None:
    """These people are here now. Nothing is kept of those who do not show it."""
    Profile.objects.filter(user_id__in=user_ids, shares_presence=True).update(last_seen_at=now)


def appearance_update(*, profile: Profile, **choices: str) -> None:
    """Remember looks and language for the person's other devices. `choices` are names of the profile's fields."""
    profile_set(profile, choices)


@transaction.atomic
def email_replace(*, user: User, email: str) -> EmailAddress:
    """Give an account another address without proof, for servers that send no mail. One that another account has is quietly not kept."""
    address = EmailAddress(user=user, email=email_to_keep(email, by=user), primary=True, verified=False)
    EmailAddress.objects.filter(user=user).delete()
    if address.email:
        address.save(force_insert=True)
    user.email = address.email
    user.save(update_fields=["email"])
    return address


@transaction.atomic
def account_deactivate(*, user: User) -> None:
    """Suspend: no log-in, no place in People, and every session ends with its next request, and every socket at once. Nothing is deleted."""
    profile_changing.send(sender=User, user_id=user.pk)
    user.is_active = False
    user.save(update_fields=["is_active"])
    account_status_changed.send(sender=User, user=user)


@transaction.atomic
def account_reactivate(*, user: User) -> None:
    profile_changing.send(sender=User, user_id=user.pk)
    user.is_active = True
    user.save(update_fields=["is_active"])


def password_link(*, user: User) -> str:
    """An address under which a person chooses a new password: once, and within PASSWORD_RESET_TIMEOUT.

    Works without mail; whoever asks for it hands it over. Using it, logging in, or changing the address ends it.

    Raises:
        AccountInactive: the account is suspended.
    """
    if not user.is_active:
        raise AccountInactive
    return public_link(
        "account_reset_password_from_key", uidb36=user.public_id, key=default_token_generator.make_token(user)
    )
