"""Services of the inviter: create, change and revoke an invite."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from conversations.exceptions import InvalidText, InviteGone, InviteNotFound, TooManyInvites
from conversations.models import Invite
from conversations.protocol.text import is_storable
from conversations.selectors.invites import digest_of, token_of

LIVES = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
DEFAULT_LIFE = "7d"
NOTE_MAX = 80


def invite_create(
    *,
    inviter: User,
    note: str = "",
    lives: str = DEFAULT_LIFE,
    key: UUID | None = None,
    now: datetime | None = None,
) -> Invite:
    """Create a link for exactly one person.

    Raises: TooManyInvites (a rule of the product, so LIMITS=off does not lift it); InvalidText (the note);
        KeyError (a life that is not in LIVES).
    Repeats: the same note and life under the same `key` is one link, however often and wherever it is sent.
    """
    now = now or timezone.now()
    note, life = clean_note(note), LIVES[lives]
    # All values are part of the id: a form that the back button brings back and that is filled in again makes
    # another link.
    invite_id = uuid5(key, f"{inviter.pk} {lives} {note}") if key else uuid4()
    with transaction.atomic():
        lock_inviter(inviter)
        if key and (made := Invite.objects.filter(pk=invite_id, inviter=inviter).first()):
            return made
        require_below_limit(inviter, now)
        return new_invite(invite_id, inviter, note, life, now)


def new_invite(invite_id: UUID, inviter: User, note: str, life: timedelta, now: datetime) -> Invite:
    digest = digest_of(token_of(invite_id))
    return Invite.objects.create(
        pk=invite_id, inviter=inviter, token_digest=digest, note=note, created_at=now, expires_at=now + life
    )


def clean_note(raw: str) -> str:
    """One line, that only the inviter sees. Raises InvalidText."""
    if len(raw) > NOTE_MAX * 4 or not is_storable(raw):
        raise InvalidText("the note")
    note = " ".join(unicodedata.normalize("NFC", raw).split())
    if len(note) > NOTE_MAX:
        raise InvalidText("the note")
    return note


def lock_inviter(inviter: User) -> None:
    """One creation per inviter at a time: concurrent ones would all count one below the limit, or not see
    each other."""
    User.objects.select_for_update(no_key=True).get(pk=inviter.pk)


def require_below_limit(inviter: User, now: datetime) -> None:
    """With the inviter locked. Raises TooManyInvites."""
    if Invite.objects.open(now).filter(inviter=inviter).count() >= settings.LIMIT_NUMBERS["open_invites"]:
        raise TooManyInvites


def invite_change(
    *,
    inviter: User,
    invite_id: UUID,
    note: str | None = None,
    lives: str | None = None,
    now: datetime | None = None,
) -> Invite:
    """Change the note, or set a new life from now on. One conditional update: a link accepted at this moment
    stays as it was.

    Raises: InviteNotFound (unknown, or another inviter's); InviteGone (no longer open); InvalidText;
        KeyError.
    """
    now = now or timezone.now()
    changes: dict[str, Any] = {} if note is None else {"note": clean_note(note)}
    if lives is not None:
        changes["expires_at"] = now + LIVES[lives]
    # Without any change, the update still finds out whether the invite could be changed.
    if (
        not Invite.objects.open(now)
        .filter(pk=invite_id, inviter=inviter)
        .update(**(changes or {"note": F("note")}))
    ):
        raise gone_or_unknown(inviter, invite_id)
    return Invite.objects.get(pk=invite_id)


def invite_revoke(*, inviter: User, invite_id: UUID, now: datetime | None = None) -> Invite:
    """Stop the link. An expired one can be revoked, too: that ends the pending invites that outlive it.

    Raises: InviteNotFound (unknown, or another inviter's); InviteGone (it has been accepted).
    Repeats: change nothing.
    """
    now = now or timezone.now()
    mine = Invite.objects.filter(pk=invite_id, inviter=inviter)
    Invite.objects.unclaimed().filter(pk=invite_id, inviter=inviter).update(revoked_at=now)
    invite = mine.filter(revoked_at__isnull=False).first()
    if invite is None:
        raise gone_or_unknown(inviter, invite_id)
    return invite


def gone_or_unknown(inviter: User, invite_id: UUID) -> InviteGone | InviteNotFound:
    found = Invite.objects.filter(pk=invite_id, inviter=inviter).first()
    return InviteNotFound() if found is None else InviteGone(used=found.claimed_at is not None)
