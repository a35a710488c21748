"""Questions about people. Suspended accounts are never part of an answer."""

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
"""Characters of a search that count."""


def active_users() -> QuerySet[User]:
    return User.objects.filter(is_active=True).select_related("profile")


def user_by_username(username: str) -> User | None:
    """The person with this handle, however it was typed."""
    wanted = normalize_username(username)
    return active_users().filter(username=wanted).first() if wanted.isascii() and "\0" not in wanted else None


def people_listed(
    *, viewer: User, q: str = "", after: tuple[str, int] | None = None, limit: int = 60
) -> list[User]:
    """People who chose to be listed, by name, without the viewer.

    Args:
        q: every word of it must occur in name or handle; case and accents do not count. "@mar" looks at the beginning of handles only.
        after: (search key, id) of the last person of the page before.

    Where the directory is off, only the exact handle of somebody listed finds anybody.
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
    """A page of people_listed, and the cursor of the following one; None after the last.

    The place itself is in the cursor, never a handle to look up: that one told whether a hidden account exists, and where its name sorts.

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
    """`contains` escapes % and _: somebody who types them looks for them."""
    if not settings.DIRECTORY:
        return Q(username=search_key(q.removeprefix("@")))
    if q.startswith("@"):
        return Q(username__startswith=search_key(q[1:]))
    found = Q()
    for word in search_key(q).split():
        found &= Q(profile__search_key__contains=word)
    return found


def profile_of(user: Any) -> Profile:
    """The profile of whoever is signed in, with the user in hand. Accounts made by other means get theirs now."""
    profile, _ = Profile.objects.get_or_create(user=user)
    profile.user = user
    return profile


def needs_email_verification(user: User) -> bool:
    """Must this person type the code from a mail before coming in? Only who gave an address at sign-up and has never been in.

    Whoever was in already keeps coming in: the address may date from a time without mail, and a slip in it must not lock anybody out.
    """
    return (
        user.last_login is None
        and bool(user.email)
        and not EmailAddress.objects.filter(user=user, verified=True).exists()
    )


def is_verified_by_another(user: User) -> bool:
    """Has another account confirmed the address of this one? Then nobody can confirm it here."""
    return (
        bool(user.email)
        and EmailAddress.objects.filter(email=user.email, verified=True).exclude(user=user).exists()
    )


def account_by_email(email: str, *, with_pending: bool = False) -> User | None:
    """The one account that an address leads to, at log-in and for a new password; anything else would be a password hash or a mail each.

    Whoever has confirmed the address comes first, then who has been in and gave it first: on the day when mail is switched on, addresses
    that others have planted before change nothing for their owner.

    Args:
        with_pending: accept a sign-up that waits for its code. Not at log-in: it would tell whether the address had an account before.
    """
    rows = list(EmailAddress.objects.filter(email=email.lower()).select_related("user"))
    if settings.MAIL_CONFIGURED and not with_pending:
        rows = [row for row in rows if row.verified or row.user.last_login is not None]
    if rows:
        return min(rows, key=lambda row: (not row.verified, row.user.last_login is None, row.pk)).user  # type: ignore[no-any-return]
    # Accounts that were made by hand have no row there.
    by_hand = (
        User.objects.filter(email=email.lower(), emailaddress__isnull=True).order_by("pk").first()
        if email
        else None
    )
    return (
        None
        if by_hand is None or (by_hand.last_login is None and settings.MAIL_CONFIGURED and not with_pending)
        else by_hand
    )


def display_name(user: User) -> str:
    """How mails and notices of allauth call a person."""
    return user.name or user.username


def username_is_taken(username: str, *, by: User | None = None) -> bool:
    """Has somebody else this handle, or left it a short time ago? Suspended accounts keep theirs."""
    return username in handles_like(username, by=by)


def username_is_imitation(username: str, *, by: User | None = None) -> bool:
    """Does it look like somebody else's handle, or like one left a short time ago? Also true when it is the same."""
    return any(looks_like(username, other) for other in handles_like(username, by=by))


def handles_like(username: str, *, by: User | None) -> list[str]:
    mine, shape = 0 if by is None else by.pk, skeleton(username)
    held = HeldUsername.objects.filter(skeleton=shape, until__gt=timezone.now()).exclude(user_id=mine)
    return [
        *User.objects.filter(skeleton=shape).exclude(pk=mine).values_list("username", flat=True),
        *held.values_list("username", flat=True),
    ]


def handles_held(user: User) -> list[HeldUsername]:
    """The handles this person has left that wait for them, the oldest first."""
    return list(HeldUsername.objects.filter(user=user, until__gt=timezone.now()).order_by("until"))


def appearance_of(profile: Profile) -> Appearance:
    return Appearance(text=profile.text_size, enter=profile.enter, hours=profile.hours)
