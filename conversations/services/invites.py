"""An invite from its making to its end, and the wish of somebody who has to sign in before accepting one.

A flow of functions that thin doors call: pages, API and the entrance. No function here spends anything without being told to by a person.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from conversations.exceptions import InvalidText, InviteGone, InviteIsYours, InviteNotFound, TooManyInvites
from conversations.models import Block, Conversation, Invite, PendingInvite
from conversations.protocol.text import is_storable
from conversations.selectors.invites import PENDING_LIFETIME, digest_of, invite_by_token, is_blocked, token_of
from conversations.services.conversations import find_or_make, hidden_from, meet, raise_marks, show
from conversations.services.notifications import announce_conversation

LIVES = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
DEFAULT_LIFE = "7d"
NOTE_MAX = 80

Outcome = Literal["created", "already_yours", "pair_exists"]


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a claim ended. Only `created` has spent the invite."""

    conversation: Conversation
    outcome: Outcome


# --- Making, changing, ending ---


def invite_create(
    *,
    inviter: User,
    note: str = "",
    lives: str = DEFAULT_LIFE,
    key: UUID | None = None,
    now: datetime | None = None,
) -> Invite:
    """Make a link for exactly one person. The same wish under the same `key` is one link, however often and wherever it is sent.

    Raises: TooManyInvites (so many wait already; a rule of the product, so LIMITS=off does not lift it); InvalidText (the note);
        KeyError (a life that is none of LIVES).
    """
    now = now or timezone.now()
    note, life = clean_note(note), LIVES[lives]
    # With all of the wish in it: a form that comes back by the back button and is filled in anew makes another link.
    invite_id = uuid5(key, f"{inviter.pk} {lives} {note}") if key else uuid4()
    with transaction.atomic():
        lock_inviter(inviter)
        if key and (made := Invite.objects.filter(pk=invite_id, inviter=inviter).first()):
            return made
        require_room_for_one(inviter, now)
        return new_invite(invite_id, inviter, note, life, now)


def new_invite(invite_id: UUID, inviter: User, note: str, life: timedelta, now: datetime) -> Invite:
    digest = digest_of(token_of(invite_id))
    return Invite.objects.create(
        pk=invite_id, inviter=inviter, token_digest=digest, note=note, created_at=now, expires_at=now + life
    )


def clean_note(raw: str) -> str:
    """One line, for the inviter's eyes only. Raises InvalidText."""
    if len(raw) > NOTE_MAX * 4 or not is_storable(raw):
        raise InvalidText("the note")
    note = " ".join(unicodedata.normalize("NFC", raw).split())
    if len(note) > NOTE_MAX:
        raise InvalidText("the note")
    return note


def lock_inviter(inviter: User) -> None:
    """The inviter's row is the queue of their creations: racing ones would all count one below the limit, or not see each other."""
    User.objects.select_for_update(no_key=True).get(pk=inviter.pk)


def require_room_for_one(inviter: User, now: datetime) -> None:
    """In line."""
    if open_invites(inviter, now) >= settings.LIMIT_NUMBERS["open_invites"]:
        raise TooManyInvites


def open_invites(inviter: User, now: datetime) -> int:
    return Invite.objects.filter(
        inviter=inviter, claimed_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
    ).count()


def invite_change(
    *,
    inviter: User,
    invite_id: UUID,
    note: str | None = None,
    lives: str | None = None,
    now: datetime | None = None,
) -> Invite:
    """Change the note, or let it live so long from now on. One conditional update: a link accepted in this moment stays as it was.

    Raises: InviteNotFound (unknown, or not this inviter's); InviteGone (no longer open); InvalidText; KeyError.
    """
    now = now or timezone.now()
    changes: dict[str, Any] = {} if note is None else {"note": clean_note(note)}
    if lives is not None:
        changes["expires_at"] = now + LIVES[lives]
    waiting = Invite.objects.filter(
        pk=invite_id, inviter=inviter, claimed_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
    )
    # Without anything to change it is still asked whether it could be.
    if not waiting.update(**(changes or {"note": F("note")})):
        raise gone_or_unknown(inviter, invite_id)
    return Invite.objects.get(pk=invite_id)


def invite_revoke(*, inviter: User, invite_id: UUID, now: datetime | None = None) -> Invite:
    """Stop the link. A repeat changes nothing. One that has run out can be revoked, too: that ends the wishes that outlive it.

    Raises: InviteNotFound (unknown, or not this inviter's); InviteGone (somebody has accepted it).
    """
    now = now or timezone.now()
    mine = Invite.objects.filter(pk=invite_id, inviter=inviter)
    mine.filter(claimed_at__isnull=True, revoked_at__isnull=True).update(revoked_at=now)
    invite = mine.filter(revoked_at__isnull=False).first()
    if invite is None:
        raise gone_or_unknown(inviter, invite_id)
    return invite


def gone_or_unknown(inviter: User, invite_id: UUID) -> InviteGone | InviteNotFound:
    found = Invite.objects.filter(pk=invite_id, inviter=inviter).first()
    return InviteNotFound() if found is None else InviteGone(used=found.claimed_at is not None)


# --- Accepting ---


def invite_claim(*, user: User, token: str, now: datetime | None = None) -> Claim:
    """Accept an invite: the conversation is made or found and the invite spent, in one transaction.

    Raises: InviteNotFound; InviteIsYours; InviteGone, which is one neutral answer for run out, revoked, a inviter who is gone, and a block
        (`used` for one that a third person has accepted).
    Repeats: the one who accepted it gets the same conversation again.
    Announces: `conversation.changed` to both.
    """
    invite = invite_by_token(token)
    if invite is None:
        raise InviteNotFound
    now = now or timezone.now()
    return claim(invite, user, now, judged_at=now)


def claim(invite: Invite, user: User, now: datetime, *, judged_at: datetime) -> Claim:
    """`judged_at` is when the person wanted it: an invite may run out while they sign up."""
    known = what_is_decided(invite, user)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return spend(invite, user, now, judged_at=judged_at)
    except InviteGone:
        # Somebody may have been faster. If that was the same person on another device, they are through.
        fresh = Invite.objects.select_related("inviter", "conversation").filter(pk=invite.pk).first()
        known = what_is_decided(fresh, user) if fresh else None
        if known is None:
            raise
        return known


def what_is_decided(invite: Invite, user: User) -> Claim | None:
    """What no later moment can change; None while somebody may still accept it."""
    # Somebody tries their own link: nothing is spent (safety.md T22).
    if invite.inviter_id == user.pk:
        raise InviteIsYours
    if invite.claimed_at is None:
        return None
    if invite.claimed_by_id == user.pk and invite.conversation is not None:
        return Claim(invite.conversation, "already_yours")
    raise InviteGone(used=True)


def spend(invite: Invite, user: User, now: datetime, *, judged_at: datetime) -> Claim:
    """Inside a transaction, with the pair locked before anything is judged.

    Raises: InviteGone, and nothing of it is kept.
    """
    conversation = find_or_make(invite.inviter, user, Conversation.Origin.INVITE, now)
    # Blocked people must not come back by a link that still lies around; after the lock, so that a block cannot pass this.
    if is_blocked(user.pk, invite.inviter_id):
        raise InviteGone
    still = still_open(invite, judged_at)
    hidden = hidden_from(conversation, {user.pk, invite.inviter_id})
    if not hidden and conversation.state == Conversation.State.OPEN and still.exists():
        meet(conversation)
        return Claim(conversation, "pair_exists")
    # The one conditional update that decides who is the one person (safety.md T17).
    if not still.update(claimed_by=user, claimed_at=now, conversation=conversation):
        raise InviteGone
    meet(conversation)
    show(conversation, hidden, now)
    open_up(conversation, now)
    PendingInvite.objects.filter(user=user, invite=invite).delete()
    return Claim(conversation, "created")


def still_open(invite: Invite, judged_at: datetime) -> QuerySet[Invite]:
    """Every condition stands on the row itself. With a join Django would write `id IN (SELECT ...)`, which PostgreSQL does not judge anew
    after waiting for a faster one: both would get in."""
    inviter_is_active = Exists(User.objects.filter(pk=OuterRef("inviter_id"), is_active=True))
    return Invite.objects.filter(
        inviter_is_active,
        pk=invite.pk,
        claimed_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=judged_at,
    )


def open_up(conversation: Conversation, now: datetime) -> None:
    """An invite that was accepted is consent of both: a request or a chat that was closed opens."""
    if conversation.state == Conversation.State.OPEN:
        return
    conversation.state, conversation.requested_by, conversation.changed_at = (
        Conversation.State.OPEN,
        None,
        now,
    )
    conversation.save(update_fields=["state", "requested_by", "changed_at"])
    raise_marks(conversation)
    announce_conversation(conversation, conversation.low_id, conversation.high_id)


# --- On the way through sign-up or log-in ---


def pending_invite_set(*, user: User, invite_id: UUID, made_at: datetime) -> None:
    """Tie the wish to accept to the account, so that any device on which the sign-in ends can fulfil it. The newest wish is the one."""
    if not Invite.objects.filter(pk=invite_id).exclude(inviter=user).exists():
        return
    PendingInvite.objects.update_or_create(user=user, defaults={"invite_id": invite_id, "made_at": made_at})


def pending_invite_accept(
    *, user: User, invite_id: UUID, made_at: datetime, now: datetime | None = None
) -> Claim:
    """Accept an invite that was open when the person wanted it. A wish holds for a day and outlives expiry, never revocation or a block.

    Raises: InviteGone; InviteIsYours.
    """
    now = now or timezone.now()
    invite = Invite.objects.select_related("inviter", "conversation").filter(pk=invite_id).first()
    if invite is None or not made_at <= now < made_at + PENDING_LIFETIME:
        raise InviteGone
    return claim(invite, user, now, judged_at=made_at)


def pending_invite_resolve(*, user: User, now: datetime | None = None) -> Conversation | None:
    """Fulfil the wish of somebody who is completely signed in. Afterwards there is no wish, however it went. None: there was none.

    Raises: InviteGone or InviteIsYours, when it cannot be fulfilled (any more): it has been used or revoked, or its day is over.
    """
    wish = PendingInvite.objects.filter(user=user).first()
    if wish is None:
        return None
    try:
        conversation = pending_invite_accept(
            user=user, invite_id=wish.invite_id, made_at=wish.made_at, now=now
        ).conversation
    except (InviteGone, InviteIsYours):
        wish.delete()
        raise
    wish.delete()
    return conversation


# --- "Not who I meant" ---


def invite_undo(*, inviter: User, invite_id: UUID, now: datetime | None = None) -> Invite | None:
    """In one step: close the chat that this invite began, block the person, and make a new link with the same note and life.

    Returns: the new invite; None when it had been undone already, or when too many others wait (the person is blocked all the same: safety
        does not depend on room for a link).
    Raises: InviteNotFound; InviteGone (nobody has accepted it, or the account is gone).
    Announces: `conversation.changed` to both.
    """
    now = now or timezone.now()
    invite = Invite.objects.filter(pk=invite_id, inviter=inviter).first()
    if invite is None:
        raise InviteNotFound
    if invite.claimed_by_id is None or invite.conversation_id is None:
        raise InviteGone(used=invite.claimed_at is not None)
    with transaction.atomic():
        # The lock that every send takes: whatever of theirs comes after it is refused.
        conversation = Conversation.objects.select_for_update(no_key=True).get(pk=invite.conversation_id)
        if conversation.state == Conversation.State.CLOSED:
            return None
        close_against(conversation, inviter.pk, invite.claimed_by_id, now)
        announce_conversation(conversation, conversation.low_id, conversation.high_id)
        lock_inviter(inviter)
        try:
            require_room_for_one(inviter, now)
        except TooManyInvites:
            return None
        return new_invite(uuid4(), inviter, invite.note, invite.expires_at - invite.created_at, now)


def close_against(conversation: Conversation, blocker_id: int, blocked_id: int, now: datetime) -> None:
    """Block and close, under the conversation's lock; the table is the truth, the flag its copy for the journal."""
    Block.objects.get_or_create(blocker_id=blocker_id, blocked_id=blocked_id, defaults={"created_at": now})
    flag = "low_blocks" if blocker_id == conversation.low_id else "high_blocks"
    setattr(conversation, flag, True)
    conversation.state, conversation.changed_at = Conversation.State.CLOSED, now
    conversation.save(update_fields=[flag, "state", "changed_at"])
    raise_marks(conversation)
