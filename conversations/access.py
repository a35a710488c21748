"""The inner door: the only way from a raw room name to a conversation. Used by every outer door and by services alike.

It looks from the person outward, so "not there", "not yours" and "not yet yours" are one empty result and one refusal.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from accounts.models import User
from conversations.exceptions import ConversationNotFound
from conversations.models import Conversation, Participant


@dataclass(frozen=True, slots=True)
class Membership:
    """My place in a conversation of mine."""

    conversation: Conversation
    me: Participant
    peer: User


def access_conversation(user: User | AnonymousUser, room_name: str) -> Membership:
    """The conversation of this name, if this person may enter it. One statement.

    Raises:
        ConversationNotFound: in every other case, and nobody can tell which.
    """
    found = memberships_of(user, [room_name]).first()
    if found is None:
        raise ConversationNotFound
    return Membership(found.conversation, found, found.peer)


def access_conversations(user: User | AnonymousUser, room_names: Collection[str]) -> dict[str, Membership]:
    """The same for many names, in one statement. Those that this person may not enter are left out, and nobody can tell why."""
    return {
        membership.conversation.room_name: Membership(membership.conversation, membership, membership.peer)
        for membership in memberships_of(user, room_names)
    }


def memberships_of(user: User | AnonymousUser, room_names: Collection[str]) -> QuerySet[Participant]:
    # Somebody without an account who learned an address.
    if not user.is_authenticated or user.pk is None:
        return Participant.objects.none()
    # Rows are searched among this person's own participant rows: a stranger with a stolen or guessed address finds nothing to compare with.
    mine = Participant.objects.filter(user_id=user.pk)
    # A suspended person whose socket or session still lives: asked of the database, because `user` was read when they connected.
    mine = mine.filter(user__is_active=True)
    # Somebody who probes whether another person has opened a chat with them: until the first message it is not there for them.
    mine = mine.filter(activity__isnull=False)
    # NUL in a path or a frame: PostgreSQL refuses it with an error that would look different from "not found".
    names = [name for name in room_names if "\0" not in name]
    return mine.filter(conversation__room_name__in=names).select_related("conversation", "peer")
