"""Service "Not who I meant": undo an accepted invite."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from conversations.exceptions import InviteGone, InviteNotFound, TooManyInvites
from conversations.models import Block, Conversation, Invite
from conversations.services.conversations import raise_marks
from conversations.services.invites.inviting import lock_inviter, new_invite, require_below_limit
from conversations.services.notifications import announce_conversation


def invite_undo(*, inviter: User, invite_id: UUID, now: datetime | None = None) -> Invite | None:
    """In one step: close the chat of this invite, block the person, and create a new link with the same note
    and life.

    Returns: the new invite; None when it had been undone already, or when the inviter has too many open ones
        (the person is blocked all the same: safety does not depend on the limit).
    Raises: InviteNotFound; InviteGone (not accepted yet, or the account is gone).
    Announces: `conversation.changed` to both.
    """
    now = now or timezone.now()
    invite = Invite.objects.filter(pk=invite_id, inviter=inviter).first()
    if invite is None:
        raise InviteNotFound
    if invite.claimed_by_id is None or invite.conversation_id is None:
        raise InviteGone(used=invite.claimed_at is not None)
    with transaction.atomic():
        # The lock that every send takes: each later message of that person is refused.
        conversation = Conversation.objects.select_for_update(no_key=True).get(pk=invite.conversation_id)
        if conversation.state == Conversation.State.CLOSED:
            return None
        close_against(conversation, inviter.pk, invite.claimed_by_id, now)
        announce_conversation(conversation, conversation.low_id, conversation.high_id)
        lock_inviter(inviter)
        try:
            require_below_limit(inviter, now)
        except TooManyInvites:
            return None
        return new_invite(uuid4(), inviter, invite.note, invite.expires_at - invite.created_at, now)


def close_against(conversation: Conversation, blocker_id: int, blocked_id: int, now: datetime) -> None:
    """Block and close, under the conversation's lock. The table is the truth, the flag its copy for the
    journal."""
    Block.objects.get_or_create(blocker_id=blocker_id, blocked_id=blocked_id, defaults={"created_at": now})
    flag = "low_blocks" if blocker_id == conversation.low_id else "high_blocks"
    setattr(conversation, flag, True)
    conversation.state, conversation.changed_at = Conversation.State.CLOSED, now
    conversation.save(update_fields=[flag, "state", "changed_at"])
    raise_marks(conversation)
