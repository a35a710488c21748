"""What two people show each other of the moment: online, last seen, typing. Judged from rows alone, anew each time it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Profile
from conversations.access import Membership
from conversations.models import Conversation, Participant


@dataclass(frozen=True, slots=True)
class Visibility:
    """What flows between the two of one membership. Every switch works both ways: who hides, does not see."""

    can_deliver: bool = False
    has_met: bool = False
    """Both want this chat. To somebody who has only opened it, or written without an answer, the other one is a stranger."""
    presence: bool = False
    typing: bool = False
    last_seen: datetime | None = None


def visibility_between(membership: Membership) -> Visibility:
    """At most two statements, both by key."""
    conversation, peer = membership.conversation, membership.peer
    is_blocked = conversation.low_blocks or conversation.high_blocks
    # Somebody who was blocked, declined or left must see nothing move (safety.md T47).
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
    """Who has received something was written to by the other one."""
    return Participant.objects.filter(conversation_id=conversation_id, received__gt=0).count() == 2
