"""Authorization: the only way from a room name to a conversation. Every transport and every service uses it.

The query starts from the user, so "does not exist", "not yours" and "not yet yours" are one empty result and
one refusal.
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
    """A conversation of mine: its row, my participant row and my peer."""

    conversation: Conversation
    me: Participant
    peer: User


def access_conversation(user: User | AnonymousUser, room_name: str) -> Membership:
    """The conversation of this name, if the user is one of the two and it shows in their list. One statement.

    Raises:
        ConversationNotFound: in every other case; the answer does not tell which.
    """
    found = memberships_of(user, [room_name]).first()
    if found is None:
        raise ConversationNotFound
    return Membership(found.conversation, found, found.peer)


def access_conversations(user: User | AnonymousUser, room_names: Collection[str]) -> dict[str, Membership]:
    """The same for many names, in one statement. Names that the user has no access to are left out, without a
    reason."""
    return {
        membership.conversation.room_name: Membership(membership.conversation, membership, membership.peer)
        for membership in memberships_of(user, room_names)
    }


def memberships_of(user: User | AnonymousUser, room_names: Collection[str]) -> QuerySet[Participant]:
    # An anonymous visitor who learned an address.
    if not user.is_authenticated or user.pk is None:
        return Participant.objects.none()
    # The search covers the user's own participant rows only: a stolen or guessed address finds nothing to
    # compare with.
    mine = Participant.objects.filter(user_id=user.pk)
    # A suspended user whose socket is still open: asked of the database, because `user` was loaded on
    # connect.
    mine = mine.filter(user__is_active=True)
    # A user who probes whether another user has opened a chat with them: it does not exist for them until the
    # first message.
    mine = mine.filter(activity__isnull=False)
    # NUL in a path or a frame: PostgreSQL rejects it with an error that would differ from "not found".
    names = [name for name in room_names if "\0" not in name]
    return mine.filter(conversation__room_name__in=names).select_related("conversation", "peer")
