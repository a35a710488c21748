"""Visibility of presence, last seen and typing between two users. Judged from the database at each
request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Profile
from conversations.access import Membership
from conversations.models import Conversation, Participant


@dataclass(frozen=True, slots=True)
class Visibility:
    """What the two users of a membership may see of each other. Every setting works both ways: who hides,
    does not see."""

    can_deliver: bool = False
    has_met: bool = False
    """Both want this chat. A user who has only opened it, or got no answer, is still a stranger to the
    peer."""
    presence: bool = False
    typing: bool = False
    last_seen: datetime | None = None


def visibility_between(membership: Membership) -> Visibility:
    """At most two statements, both by key."""
    conversation, peer = membership.conversation, membership.peer
    is_blocked = conversation.low_blocks or conversation.high_blocks
    # A user who was blocked, declined or left must see no sign of activity (T47).
    if conversation.state != Conversation.State.OPEN or is_blocked or not peer.is_active:
        return Visibility()
    profiles = {
        profile.user_id: profile
        for profile in Profile.objects.filter(user_id__in=(membership.me.user_id, peer.pk))
    }
    if len(profiles) < 2:
        return Visibility(can_deliver=True)
    has_met = conversation.is_met or have_both_written(conversation.pk)
    return Visibility(
        can_deliver=True,
        has_met=has_met,
        presence=has_met and all(profile.shares_presence for profile in profiles.values()),
        typing=all(profile.shares_typing for profile in profiles.values()),
        last_seen=profiles[peer.pk].last_seen_at,
    )


def have_both_written(conversation_id: int) -> bool:
    """A participant who has received a message was written to by the peer."""
    return Participant.objects.filter(conversation_id=conversation_id, received__gt=0).count() == 2
