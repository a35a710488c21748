"""Account selectors: search and look up accounts. Results for users never include suspended accounts."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.appearance import Appearance
from accounts.cursors import cursor_read, cursor_write
from accounts.folding import search_key
from accounts.models import HeldUsername, Profile, User
from accounts.usernames import looks_like, normalize_username, skeleton

QUERY_MAX = 60
"""Characters of a search that are used."""


def active_users() -> QuerySet[User]:
    return User.objects.filter(is_active=True).select_related("profile")


def user_by_username(username: str) -> User | None:
    """The active account with this username, in any capitalization, with or without @."""
    wanted = normalize_username(username)
    return active_users().filter(username=wanted).first() if wanted.isascii() and "\0" not in wanted else None


def people_listed(
    *, viewer: User, q: str = "", after: tuple[str, int] | None = None, limit: int = 60
) -> list[User]:
    """Users who chose to be listed, sorted by name, without the viewer.

    Args:
        q: every word must occur in the name or username; case and accents are ignored. "@mar" matches
            usernames that begin with it.
        after: (search key, id) of the last user on the previous page.

    If DIRECTORY is off, only the exact username of a listed user matches.
    """
    people = (
        active_users()
        .filter(profile__listed=True)
        .exclude(pk=viewer.pk)
        .filter(matching(q[:QUERY_MAX].strip()))
    )
    if after is not None:
        key, pk = after
        people = people.filter(Q(profile__search_key__gt=key) | Q(profile__search_key=key, pk__gt=pk))
    return list(people.order_by("profile__search_key", "pk")[:limit])


def people_page(
    *, viewer: User, q: str = "", cursor: str | None = None, limit: int = 60
) -> tuple[list[User], str | None]:
    """A page of people_listed, and the cursor of the next page; None after the last.

    The cursor holds the position itself. A username in it would reveal whether a hidden account exists, and
    where its name sorts.

    Raises: BadCursor.
    """
    after = None
    if cursor:
        key, pk = cursor_read(cursor, name="people", user_id=viewer.pk)
        after = str(key), int(pk)
    found = people_listed(viewer=viewer, q=q, after=after, limit=limit + 1)
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], cursor_write([last.profile.search_key, last.pk], name="people", user_id=viewer.pk)


def matching(q: str) -> Q:
    """The filter for a search. `contains` escapes % and _, so that they match literally."""
    if not settings.DIRECTORY:
        return Q(username=search_key(q.removeprefix("@")))
    if q.startswith("@"):
        return Q(username__startswith=search_key(q[1:]))
    found = Q()
    for word in search_key(q).split():
        found &= Q(profile__search_key__contains=word)
    return found


def profile_of(user: Any) -> Profile:
    """The profile of the logged-in user. Creates it for accounts that were made without one."""
    profile, _ = Profile.objects.get_or_create(user=user)
    profile.user = user
    return profile


def needs_email_verification(user: User) -> bool:
    """Must this user enter the emailed code? Only after a sign-up with an address, before the first login.

    Later logins need no code: the address may date from a time without mail, and a typo in it must not lock
    the user out.
    """
    return (
        user.last_login is None
        and bool(user.email)
        and not EmailAddress.objects.filter(user=user, verified=True).exists()
    )


def is_verified_by_another(user: User) -> bool:
    """Has another account verified the address of this one? Then it cannot be verified here."""
    return (
        bool(user.email)
        and EmailAddress.objects.filter(email=user.email, verified=True).exclude(user=user).exists()
    )


def account_by_email(email: str, *, with_pending: bool = False) -> User | None:
    """The one account that an address resolves to, for login and password reset.

    Trying several accounts would cost a password hash or an email for each. A verified address has priority,
    then the earliest account that has logged in: when mail is enabled later, addresses that others claimed
    before cannot take an account over.

    Args:
        with_pending: include sign-ups that wait for their code. Not at login: it would reveal whether the
            address had an account before.
    """
    rows = list(EmailAddress.objects.filter(email=email.lower()).select_related("user"))
    if settings.MAIL_CONFIGURED and not with_pending:
        rows = [row for row in rows if row.verified or row.user.last_login is not None]
    if rows:
        best = min(rows, key=lambda row: (not row.verified, row.user.last_login is None, row.pk))
        return best.user  # type: ignore[no-any-return]
    # Accounts made by the admin or a command have no EmailAddress row.
    unlisted = (
        User.objects.filter(email=email.lower(), emailaddress__isnull=True).order_by("pk").first()
        if email
        else None
    )
    return (
        None
        if unlisted is None or (unlisted.last_login is None and settings.MAIL_CONFIGURED and not with_pending)
        else unlisted
    )


def display_name(user: User) -> str:
    """The name of a user in emails and notices of allauth (ACCOUNT_USER_DISPLAY)."""
    return user.name or user.username


def username_is_taken(username: str, *, by: User | None = None) -> bool:
    """Does another account have or hold this username? Suspended accounts keep theirs."""
    return username in handles_like(username, by=by)


def username_is_imitation(username: str, *, by: User | None = None) -> bool:
    """Does it look like, or equal, a username that another account has or holds?"""
    return any(looks_like(username, other) for other in handles_like(username, by=by))


def handles_like(username: str, *, by: User | None) -> list[str]:
    mine, shape = 0 if by is None else by.pk, skeleton(username)
    held = HeldUsername.objects.filter(skeleton=shape, until__gt=timezone.now()).exclude(user_id=mine)
    return [
        *User.objects.filter(skeleton=shape).exclude(pk=mine).values_list("username", flat=True),
        *held.values_list("username", flat=True),
    ]


def handles_held(user: User) -> list[HeldUsername]:
    """Former usernames that are held for this user, the oldest first."""
    return list(HeldUsername.objects.filter(user=user, until__gt=timezone.now()).order_by("until"))


def appearance_of(profile: Profile) -> Appearance:
    return Appearance(text=profile.text_size, enter=profile.enter, hours=profile.hours)
