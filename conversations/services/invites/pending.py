"""Services for pending invites: the user has opened a link and is still signing up or logging in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from conversations.exceptions import InviteGone, InviteIsYours
from conversations.models import Conversation, Invite, PendingInvite
from conversations.selectors.invites import PENDING_LIFETIME
from conversations.services.invites.accepting import Claim, claim


def pending_invite_set(*, user: User, invite_id: UUID, made_at: datetime) -> None:
    """Tie the invite to the account, so that any device that completes the sign-in can accept it. The newest
    one replaces others."""
    if not Invite.objects.filter(pk=invite_id).exclude(inviter=user).exists():
        return
    PendingInvite.objects.update_or_create(user=user, defaults={"invite_id": invite_id, "made_at": made_at})


def pending_invite_accept(
    *, user: User, invite_id: UUID, made_at: datetime, now: datetime | None = None
) -> Claim:
    """Accept an invite that was open at `made_at`. It stays pending for a day and outlives expiry, never a
    revocation or a block.

    Raises: InviteGone; InviteIsYours.
    """
    now = now or timezone.now()
    invite = Invite.objects.select_related("inviter", "conversation").filter(pk=invite_id).first()
    if invite is None or not made_at <= now < made_at + PENDING_LIFETIME:
        raise InviteGone
    return claim(invite, user, now, judged_at=made_at)


def pending_invite_resolve(*, user: User, now: datetime | None = None) -> Conversation | None:
    """Accept the pending invite of a completely signed-in user, and delete it, accepted or not. None if there
    was none.

    Raises: InviteGone or InviteIsYours: it has been used or revoked, or its day is over.
    """
    pending = PendingInvite.objects.filter(user=user).first()
    if pending is None:
        return None
    try:
        conversation = pending_invite_accept(
            user=user, invite_id=pending.invite_id, made_at=pending.made_at, now=now
        ).conversation
    except (InviteGone, InviteIsYours):
        pending.delete()
        raise
    pending.delete()
    return conversation
