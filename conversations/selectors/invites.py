"""Questions about invites: what their inviter sees of them, and what somebody sees who opens a link."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import segno
from django.conf import settings
from django.db.models import Q
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from conversations.models import Block, Conversation, Invite, Participant

TOKEN_DOMAIN = b"invite/1\0"
TOKEN_BYTES = 20
PENDING_LIFETIME = timedelta(hours=24)
PAST_SHOWN = 50
"""Invites that are over, listed for their inviter; all that still wait are listed always."""
DARK, QUIET_ZONE = "#12242c", 4

State = Literal["open", "used", "expired", "revoked"]
LandingState = Literal[
    "open_visitor", "open_signed_in", "own", "yours", "pair", "used", "gone", "unknown", "limited"
]


# --- Tokens ---


def token_of(invite_id: UUID) -> str:
    """The secret of a link: 160 bits, derived, so that its inviter can be shown it again while the table holds no working link."""
    digest = hmac.new(settings.INVITE_KEY, TOKEN_DOMAIN + invite_id.bytes, hashlib.sha256).digest()[
        :TOKEN_BYTES
    ]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def invite_by_token(token: str) -> Invite | None:
    """One indexed look-up of a digest, whatever the token is: nothing to time, nothing to compare."""
    return (
        Invite.objects.select_related("inviter__profile", "claimed_by", "conversation")
        .filter(token_digest=digest_of(token))
        .first()
    )


# --- What its inviter sees ---


@dataclass(frozen=True)
class InviteView:
    """One invite for its inviter. `url` is None when INVITE_KEY has changed since: the link that was sent still works, but cannot be shown.

    `can_undo`: somebody has accepted, and "Not who I meant" has not been said yet.
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
    def qr(self) -> SafeString:
        """Drawn when a page asks for it. Empty where there is nothing to open."""
        return qr_svg(self.url) if self.url and self.state == "open" else SafeString("")

    @property
    def lives(self) -> timedelta:
        return self.expires_at - self.created_at


def invites_of(*, inviter: User, origin: str, now: datetime) -> list[InviteView]:
    """Those that wait, newest first, then the newest of those that are over. Two statements.

    Args:
        origin: where the inviter reaches the service; PUBLIC_URL wins over it.
    """
    mine = (
        Invite.objects.filter(inviter=inviter)
        .select_related("claimed_by__profile", "conversation")
        .order_by("-created_at", "-id")
    )
    is_waiting = Q(claimed_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now)
    rows = [*mine.filter(is_waiting), *mine.exclude(is_waiting)[:PAST_SHOWN]]
    return [invite_view(row, origin=origin, now=now) for row in rows]


def invite_of(*, inviter: User, invite_id: UUID, origin: str, now: datetime) -> InviteView | None:
    """One of mine, or None: an invite of somebody else does not exist for me."""
    row = (
        Invite.objects.filter(inviter=inviter, pk=invite_id)
        .select_related("claimed_by__profile", "conversation")
        .first()
    )
    return invite_view(row, origin=origin, now=now) if row else None


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


def qr_svg(url: str) -> SafeString:
    """The link as a QR code, for a place that says what it is: error level M, dark on white in both themes; attributes only, no styles."""
    code = segno.make(url, error="m", micro=False, boost_error=False)
    svg = code.svg_inline(
        border=QUIET_ZONE, omitsize=True, dark=DARK, light="#ffffff", svgclass=None, lineclass=None
    )
    # segno writes digits and our own constants only; the link itself is in it as modules, never as text.
    return mark_safe(svg.replace("<svg ", '<svg shape-rendering="crispEdges" ', 1))  # noqa: S308


def qr_file(url: str) -> str:
    """The same as a picture of its own, for `<img>`."""
    return qr_svg(url).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


# --- What somebody sees who opens a link ---


@dataclass(frozen=True)
class Landing:
    """What the page of a link shows. `inviter` is there only where the visitor may know them; `room` only where there is a chat to open."""

    state: LandingState
    invite: Invite | None = None
    inviter: User | None = None
    room: str | None = None


def landing_of(*, token: str, visitor: User | None, now: datetime) -> Landing:
    """Judge a link for whoever opens it. Reads only (safety.md T19): robots, scanners and previews may ask as often as they like."""
    invite = invite_by_token(token)
    if invite is None:
        return Landing("unknown")
    return landing_for_visitor(invite, now) if visitor is None else landing_for(invite, visitor, now)


def landing_for_visitor(invite: Invite, now: datetime) -> Landing:
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
    # Either of the two blocks the other: the same page as for a link that has run out, or it would tell (safety.md T22).
    if is_blocked(visitor.pk, invite.inviter_id):
        return Landing("gone")
    room = shared_room(visitor.pk, invite.inviter_id)
    if room is not None:
        return Landing("pair", invite, invite.inviter, room)
    return Landing("open_signed_in", invite, shown_inviter(invite))


def is_open(invite: Invite, now: datetime) -> bool:
    """Could it be accepted by somebody now, or, with the moment of their wish for `now`, by that somebody still?"""
    return state_of(invite, now) == "open" and invite.inviter.is_active


def shown_inviter(invite: Invite) -> User | None:
    """Who invites, if they let invites say so."""
    profile = getattr(invite.inviter, "profile", None)
    return invite.inviter if profile is None or profile.invites_show_name else None


def is_blocked(user_a: int, user_b: int) -> bool:
    """Does either of the two block the other?"""
    return Block.objects.filter(
        Q(blocker_id=user_a, blocked_id=user_b) | Q(blocker_id=user_b, blocked_id=user_a)
    ).exists()


def shared_room(user_a: int, user_b: int) -> str | None:
    """The open conversation of the two, if both have it in their lists: they "chat already"."""
    shown = Participant.objects.filter(
        user_id=user_a, peer_id=user_b, activity__isnull=False, conversation__state=Conversation.State.OPEN
    )
    seen_by_both = shown.filter(
        conversation__participants__user_id=user_b, conversation__participants__activity__isnull=False
    )
    return seen_by_both.values_list("conversation__room_name", flat=True).first()


def pending_invite_usable(*, invite_id: UUID, made_at: datetime, now: datetime) -> Invite | None:
    """The invite of a wish that still holds: it was open when the wish was made, that is less than a day ago, and it is neither used nor
    revoked since."""
    if not made_at <= now < made_at + PENDING_LIFETIME:
        return None
    invite = Invite.objects.select_related("inviter__profile").filter(pk=invite_id).first()
    return invite if invite is not None and is_open(invite, made_at) else None
