"""Invites as their inviter sees them: one, or the list."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from conversations.models import Conversation, Invite
from conversations.selectors.invites.tokens import digest_of, token_of

PAST_SHOWN = 50
"""Invites that are over, in the inviter's list. Open ones are listed all."""

State = Literal["open", "used", "expired", "revoked"]


@dataclass(frozen=True)
class InviteView:
    """One invite for its inviter.

    `url` is None when INVITE_KEY has changed since: the link that was sent still works, but cannot be shown.
    `can_undo`: the invite has been accepted, and "Not who I meant" has not been pressed yet.
    """

    id: UUID
    url: str | None
    note: str
    created_at: datetime
    expires_at: datetime
    state: State
    claimed_by: User | None
    claimed_at: datetime | None
    room: str | None = None
    can_undo: bool = False

    @property
    def open_url(self) -> str | None:
        """The link, while it can be accepted: what a QR code may show."""
        return self.url if self.state == "open" else None

    @property
    def lives(self) -> timedelta:
        return self.expires_at - self.created_at


def invites_of(*, inviter: User, origin: str, now: datetime) -> list[InviteView]:
    """The open ones, newest first, then the newest of those that are over. Two statements.

    Args:
        origin: where the inviter reaches the service; PUBLIC_URL overrides it.
    """
    waiting = list(for_list(Invite.objects.open(now), inviter))
    over = for_list(Invite.objects.all(), inviter).exclude(pk__in=[row.pk for row in waiting])[:PAST_SHOWN]
    return [invite_view(row, origin=origin, now=now) for row in (*waiting, *over)]


def invite_of(*, inviter: User, invite_id: UUID, origin: str, now: datetime) -> InviteView | None:
    """One of mine, or None: another user's invite does not exist for me."""
    row = for_list(Invite.objects.filter(pk=invite_id), inviter).first()
    return invite_view(row, origin=origin, now=now) if row else None


def for_list(invites: QuerySet[Invite], inviter: User) -> QuerySet[Invite]:
    """Those of the inviter, newest first, with all that `invite_view` reads."""
    mine = invites.filter(inviter=inviter).select_related("claimed_by__profile", "conversation")
    return mine.order_by("-created_at", "-id")


def invite_view(row: Invite, *, origin: str, now: datetime) -> InviteView:
    token = token_of(row.pk)
    is_known = hmac.compare_digest(digest_of(token), bytes(row.token_digest))
    conversation = row.conversation
    return InviteView(
        id=row.pk,
        url=f"{settings.PUBLIC_ORIGIN or origin}/i/{token}/" if is_known else None,
        note=row.note,
        created_at=row.created_at,
        expires_at=row.expires_at,
        state=state_of(row, now),
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        room=conversation.room_name if conversation else None,
        can_undo=row.claimed_by is not None
        and conversation is not None
        and conversation.state != Conversation.State.CLOSED,
    )


def state_of(row: Invite, now: datetime) -> State:
    if row.claimed_at is not None:
        return "used"
    if row.revoked_at is not None:
        return "revoked"
    return "open" if row.expires_at > now else "expired"
