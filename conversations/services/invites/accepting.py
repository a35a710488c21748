"""Service: accept an invite, so that exactly one person can."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from conversations.exceptions import InviteGone, InviteIsYours, InviteNotFound
from conversations.models import Conversation, Invite, PendingInvite
from conversations.selectors.blocks import is_blocked
from conversations.selectors.invites import invite_by_token
from conversations.services.conversations import find_or_make, hidden_from, meet, raise_marks, show
from conversations.services.notifications import announce_conversation

Outcome = Literal["created", "already_yours", "pair_exists"]


@dataclass(frozen=True, slots=True)
class Claim:
    """How a claim ended. Only `created` has used up the invite."""

    conversation: Conversation
    outcome: Outcome


def invite_claim(*, user: User, token: str, now: datetime | None = None) -> Claim:
    """Accept an invite: find or create the conversation and use up the invite, in one transaction.

    Raises: InviteNotFound; InviteIsYours; InviteGone, one neutral answer for expired, revoked, a closed
        account of the inviter, and a block (`used` if another person has accepted it).
    Repeats: the person who accepted it gets the same conversation again.
    Announces: `conversation.changed` to both.
    """
    invite = invite_by_token(token)
    if invite is None:
        raise InviteNotFound
    now = now or timezone.now()
    return claim(invite, user, now, judged_at=now)


def claim(invite: Invite, user: User, now: datetime, *, judged_at: datetime) -> Claim:
    """`judged_at` is when the user pressed the button: the invite may expire while they sign up."""
    known = decided_claim(invite, user)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return accept(invite, user, now, judged_at=judged_at)
    except InviteGone:
        # A concurrent claim may have been faster. If it was the same user on another device, this one
        # succeeds, too.
        fresh = Invite.objects.select_related("inviter", "conversation").filter(pk=invite.pk).first()
        known = decided_claim(fresh, user) if fresh else None
        if known is None:
            raise
        return known


def decided_claim(invite: Invite, user: User) -> Claim | None:
    """The outcome, where nothing later can change it; None while the invite may still be accepted.

    Raises: InviteIsYours; InviteGone.
    """
    # Inviters who try their own link do not use it up (T22).
    if invite.inviter_id == user.pk:
        raise InviteIsYours
    if invite.claimed_at is None:
        return None
    if invite.claimed_by_id == user.pk and invite.conversation is not None:
        return Claim(invite.conversation, "already_yours")
    raise InviteGone(used=True)


def accept(invite: Invite, user: User, now: datetime, *, judged_at: datetime) -> Claim:
    """Inside a transaction. The pair is locked before anything is judged.

    Raises: InviteGone; the transaction is rolled back.
    """
    conversation = find_or_make(invite.inviter, user, Conversation.Origin.INVITE, now)
    # A blocked person must not come back by an old link. Judged after the lock, so that a block cannot pass
    # it.
    if is_blocked(user.pk, invite.inviter_id):
        raise InviteGone
    still = still_open(invite, judged_at)
    hidden = hidden_from(conversation, {user.pk, invite.inviter_id})
    if not hidden and conversation.state == Conversation.State.OPEN and still.exists():
        meet(conversation)
        return Claim(conversation, "pair_exists")
    # The one conditional update that decides who the one person is (T17).
    if not still.update(claimed_by=user, claimed_at=now, conversation=conversation):
        raise InviteGone
    meet(conversation)
    show(conversation, hidden, now)
    open_up(conversation, now)
    PendingInvite.objects.filter(user=user, invite=invite).delete()
    return Claim(conversation, "created")


def still_open(invite: Invite, judged_at: datetime) -> QuerySet[Invite]:
    """Every condition is on the row itself. With a join Django would write `id IN (SELECT ...)`, which
    PostgreSQL does not judge again after waiting for a concurrent update: both claims would succeed."""
    inviter_is_active = Exists(User.objects.filter(pk=OuterRef("inviter_id"), is_active=True))
    return Invite.objects.open(judged_at).filter(inviter_is_active, pk=invite.pk)


def open_up(conversation: Conversation, now: datetime) -> None:
    """An accepted invite is consent of both: a requested or closed conversation opens."""
    if conversation.state == Conversation.State.OPEN:
        return
    conversation.state, conversation.requested_by = Conversation.State.OPEN, None
    conversation.changed_at = now
    conversation.save(update_fields=["state", "requested_by", "changed_at"])
    raise_marks(conversation)
    announce_conversation(conversation, conversation.low_id, conversation.high_id)
