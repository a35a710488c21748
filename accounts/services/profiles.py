"""Profile services: name, username, picture, privacy, appearance, last seen."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.avatars.storage import picture_delete, picture_store
from accounts.models import Profile, User, profile_search_key
from accounts.services.handles import username_change
from accounts.signals import privacy_changed, profile_changing


@transaction.atomic
def profile_update(*, profile: Profile, name: str, about: str, username: str | None = None) -> None:
    """Change the name, the text about the user, and the username.

    Args:
        username: the new username; the former one is held for its owner for USERNAME_HELD.

    Raises:
        UsernameTaken; IntegrityError when a concurrent request took the username.
        TooManyHandles: MAX_HELD are held already. Without this limit one account could reserve any number.

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


def picture_set(*, user: User, webp: bytes) -> None:
    """Store the output of `avatars.storage.picture_make` as the account's picture, and delete the former one.

    Raises:
        OSError: the file could not be written; nothing has changed.
    """
    picture_change(user, picture_store(webp))


def picture_remove(*, user: User) -> None:
    """Remove the picture; initials are shown instead."""
    picture_change(user, "")


@transaction.atomic
def picture_change(user: User, picture: str) -> None:
    profile_changing.send(sender=User, user_id=user.pk)
    before, user.picture = user.picture, picture
    user.save(update_fields=["picture"])
    transaction.on_commit(lambda: picture_delete(before), robust=True)


def privacy_update(*, profile: Profile, **choices: Any) -> None:
    """Change privacy settings. `choices` are field names of the profile.

    Announces: `privacy_changed`.
    """
    if choices.get("shares_presence") is False:
        # Switching it on again must not reveal the time before.
        choices["last_seen_at"] = None
    profile_set(profile, choices)
    privacy_changed.send(sender=Profile, user_id=profile.pk)


def appearance_update(*, profile: Profile, **choices: str) -> None:
    """Store appearance and language for the user's other devices. `choices` are profile fields."""
    profile_set(profile, choices)


def profile_set(profile: Profile, choices: dict[str, Any]) -> None:
    for name, value in choices.items():
        setattr(profile, name, value)
    profile.save(update_fields=list(choices))


def last_seen_update(user_ids: Collection[int], now: datetime) -> None:
    """Record activity. Stores nothing for users who do not share their presence."""
    Profile.objects.filter(user_id__in=user_ids, shares_presence=True).update(last_seen_at=now)
