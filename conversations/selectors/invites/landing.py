"""The landing page of an invite: what a visitor may see of the link they have opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from accounts.models import User
from conversations.models import Conversation, Invite, Participant
from conversations.selectors.blocks import is_blocked
from conversations.selectors.invites.lists import state_of
from conversations.selectors.invites.tokens import invite_by_token

PENDING_LIFETIME = timedelta(hours=24)

LandingState = Literal[
    "open_visitor", "open_signed_in", "own", "yours", "pair", "used", "gone", "unknown", "limited"
]


@dataclass(frozen=True)
class Landing:
    """What the landing page shows. `inviter` is set only where the visitor may know them, `room` only where
    there is a chat."""

    state: LandingState
    invite: Invite | None = None
    inviter: User | None = None
    room: str | None = None


def landing_of(*, token: str, visitor: User | None, now: datetime) -> Landing:
    """Judge a link for its visitor. Reads only (T19): robots, scanners and previews may open it as often as
    they like."""
    invite = invite_by_token(token)
    if invite is None:
        return Landing("unknown")
    return landing_for_anonymous(invite, now) if visitor is None else landing_for(invite, visitor, now)


def landing_for_anonymous(invite: Invite, now: datetime) -> Landing:
    if not is_open(invite, now):
        return Landing("used" if invite.claimed_at else "gone")
    return Landing("open_visitor", invite, shown_inviter(invite))


def landing_for(invite: Invite, visitor: User, now: datetime) -> Landing:
    if invite.inviter_id == visitor.pk:
        return Landing("own", invite, invite.inviter)
    if (
        invite.claimed_at is not None
        and invite.claimed_by_id == visitor.pk
        and invite.conversation is not None
    ):
        return Landing("yours", room=invite.conversation.room_name)
    if not is_open(invite, now):
        return Landing("used" if invite.claimed_at else "gone")
    # Either blocks the other: the same page as for an expired link, or it would reveal the block (T22).
    if is_blocked(visitor.pk, invite.inviter_id):
        return Landing("gone")
    room = shared_room(visitor.pk, invite.inviter_id)
    if room is not None:
        return Landing("pair", invite, invite.inviter, room)
    return Landing("open_signed_in", invite, shown_inviter(invite))


def is_open(invite: Invite, now: datetime) -> bool:
    """Could it be accepted at this time? For a pending invite, `now` is when its user pressed the button."""
    return state_of(invite, now) == "open" and invite.inviter.is_active


def shown_inviter(invite: Invite) -> User | None:
    """The inviter, unless they hide their name on invites."""
    profile = getattr(invite.inviter, "profile", None)
    return invite.inviter if profile is None or profile.invites_show_name else None


def shared_room(user_a: int, user_b: int) -> str | None:
    """The open conversation of the two, if both have it in their lists: they "chat already"."""
    shown = Participant.objects.filter(
        user_id=user_a, peer_id=user_b, activity__isnull=False, conversation__state=Conversation.State.OPEN
    )
    shown_to_both = shown.filter(
        conversation__participants__user_id=user_b, conversation__participants__activity__isnull=False
    )
    return shown_to_both.values_list("conversation__room_name", flat=True).first()


def pending_invite_usable(*, invite_id: UUID, made_at: datetime, now: datetime) -> Invite | None:
    """The invite, if it was open at `made_at`, less than a day ago, and has been neither used nor revoked
    since."""
    if not made_at <= now < made_at + PENDING_LIFETIME:
        return None
    invite = Invite.objects.select_related("inviter__profile").filter(pk=invite_id).first()
    return invite if invite is not None and is_open(invite, made_at) else None
