"""Username services: uniqueness up to look-alikes, and the hold on usernames that an account gave up."""

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import HeldUsername, User
from accounts.selectors import handles_held, username_is_imitation
from accounts.usernames import skeleton

USERNAME_HELD = timedelta(days=90)
MAX_HELD = 5
"""Former usernames that one account may hold at a time, besides the current one."""
LOCK_NAMESPACE = 0x48414E44
"""First key of our advisory locks in PostgreSQL."""


class UsernameTaken(Exception):
    """Another account has this username, or one that looks like it."""


class TooManyHandles(Exception):
    """MAX_HELD former usernames are held for this account; `until` is when the first hold expires."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


def require_distinct(username: str, *, by: User | None = None) -> None:
    """Check for look-alikes inside the transaction that takes the username. Concurrent requests serialize
    here.

    Raises: UsernameTaken.
    """
    # SQLite has a single writer, so it needs no lock.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_NAMESPACE, skeleton(username)]
            )
    if username_is_imitation(username, by=by):
        raise UsernameTaken


def username_change(user: User, username: str) -> None:
    """Sets the username without saving the user. The caller is inside a transaction."""
    # The lock on the user's row serializes changes; parallel ones would all count one below the limit.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    require_distinct(username, by=user)
    HeldUsername.objects.filter(username=username, user=user).delete()
    held = handles_held(user)
    if len(held) >= MAX_HELD:
        raise TooManyHandles(held[0].until)
    hold = {"user": user, "until": timezone.now() + USERNAME_HELD, "skeleton": skeleton(user.username)}
    HeldUsername.objects.update_or_create(username=user.username, defaults=hold)
    user.username = username


def handles_sweep(*, now: datetime | None = None) -> int:
    """Delete usernames whose hold is over: they say how an account was called. Returns how many."""
    return HeldUsername.objects.filter(until__lt=now or timezone.now()).delete()[0]
