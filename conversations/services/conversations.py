"""Services for conversations: whom to start one with, opening, reopening. Only here are rows created."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Profile, User
from accounts.usernames import normalize_username
from conversations.access import access_conversation
from conversations.exceptions import CannotDeliver, ConversationWithOneself, PersonNotFound, TooManyTries
from conversations.models import Block, Conversation, Participant
from conversations.rooms import room_name
from conversations.selectors.blocks import is_blocked
from conversations.selectors.conversations import room_with
from conversations.services.notifications import announce_conversation, announce_meeting

DAY = timedelta(days=1)


def person_startable(user: User, username: str) -> User:
    """The user of this name, if `user` may start a chat with them or has one already.

    Raises:
        PersonNotFound: no such user, or one that `user` may not start a chat with; the same, so that names
            cannot be probed.
    """
    wanted = normalize_username(username)
    # NUL: PostgreSQL rejects it with an error that would differ from "not found".
    if not wanted.isascii() or "\0" in wanted:
        raise PersonNotFound
    peer = User.objects.select_related("profile").filter(username=wanted).first()
    if peer is None or peer.pk == user.pk:
        raise PersonNotFound
    if room_with(user_id=user.pk, peer_id=peer.pk) is not None:
        return peer
    # A closed account keeps its name, so that it cannot be taken; it must look like a name that never
    # existed.
    if not peer.is_active:
        raise PersonNotFound
    # Blocked people must not learn that they are.
    if is_blocked(user.pk, peer.pk):
        raise PersonNotFound
    # A user who takes invites only must not be found by guessing names.
    if Profile.objects.filter(user_id=peer.pk, start_by=Profile.StartBy.ONLY_BY_INVITE).exists():
        raise PersonNotFound
    return peer


def conversation_open(
    *, user: User, peer: User, origin: str = Conversation.Origin.PEOPLE, now: datetime | None = None
) -> tuple[Conversation, bool]:
    """Find or create the conversation of the two and show it to `user`; to both at once for an invite.

    Safe against concurrent openings: the pair is unique in the database, and its row is locked before
    anything about it is judged, so a block cannot pass it either.
    Returns: the conversation, and whether it is new to `user`. Not whether its row is new: that would reveal
        that the peer opened it first.
    Raises: ConversationWithOneself; PersonNotFound (one of the two blocks the other); TooManyTries (too many
        new ones with strangers today).
    Announces: `conversation.changed` to those to whom it newly shows.
    """
    if user.pk == peer.pk:
        raise ConversationWithOneself
    now = now or timezone.now()
    with transaction.atomic():
        conversation = find_or_make(user, peer, origin, now)
        is_invited = origin == Conversation.Origin.INVITE
        newly_shown = hidden_from(conversation, {user.pk, peer.pk} if is_invited else {user.pk})
        # A chat that already shows stays open to its owner, blocked or not.
        if newly_shown and is_blocked(user.pk, peer.pk):
            raise PersonNotFound
        if newly_shown and not is_invited:
            require_not_too_many(user, now, besides=conversation)
        if is_invited or (newly_shown and not hidden_from(conversation, {peer.pk})):
            meet(conversation)
        show(conversation, newly_shown, now)
    return conversation, user.pk in newly_shown


def conversation_reopen(*, user: User, room_name: str, now: datetime | None = None) -> None:
    """Reopen a chat that this user has closed ("Wrong person?"): their block ends, and the chat opens unless
    the peer blocks, too.

    Raises: ConversationNotFound; CannotDeliver (closed, and not by this user).
    Repeats: an open chat stays open.
    Announces: `conversation.changed` to both.
    """
    membership = access_conversation(user, room_name)
    with transaction.atomic():
        # The lock that every send takes, as for closing.
        conversation = Conversation.objects.select_for_update(no_key=True).get(pk=membership.conversation.pk)
        mine = "low_blocks" if user.pk == conversation.low_id else "high_blocks"
        if not getattr(conversation, mine):
            if conversation.state == Conversation.State.CLOSED:
                raise CannotDeliver
            return
        Block.objects.filter(blocker=user, blocked_id=membership.peer.pk).delete()
        setattr(conversation, mine, False)
        if not (conversation.low_blocks or conversation.high_blocks):
            conversation.state = Conversation.State.OPEN
        conversation.changed_at = now or timezone.now()
        conversation.save(update_fields=[mine, "state", "changed_at"])
        raise_marks(conversation)
        announce_conversation(conversation, conversation.low_id, conversation.high_id)


def raise_marks(conversation: Conversation) -> None:
    """The state of a conversation has no version; by the marks, devices that were offline notice its
    change."""
    Participant.objects.filter(conversation=conversation).update(mark=F("mark") + 1)


def meet(conversation: Conversation) -> None:
    """Both want this chat: from now on they see presence, typing and receipts, unless one of them hides
    these. Call it under the conversation's lock."""
    if not conversation.is_met:
        conversation.is_met = True
        conversation.save(update_fields=["is_met"])
        transaction.on_commit(
            lambda: announce_meeting(conversation.low_id, conversation.high_id), robust=True
        )


def find_or_make(user: User, peer: User, origin: str, now: datetime) -> Conversation:
    """The pair's row, locked, with both participants. An existing row keeps its name, so a new key breaks no
    address."""
    found = locked_pair(user.pk, peer.pk)
    if found is not None:
        return found
    low, high = sorted((user, peer), key=lambda person: person.pk)
    conversation, is_new = Conversation.objects.get_or_create(
        low=low,
        high=high,
        defaults={
            "room_name": room_name(low.pk, high.pk, key=settings.ROOM_NAME_KEY),
            "origin": origin,
            "opened_by": user,
            "created_at": now,
            "changed_at": now,
        },
    )
    if not is_new:
        # A concurrent opening won between our query and our insert: wait for the lock, then read what it
        # committed.
        return Conversation.objects.select_for_update(no_key=True).get(pk=conversation.pk)
    participants = [
        Participant(conversation=conversation, user=one, peer=other)
        for one, other in ((low, high), (high, low))
    ]
    Participant.objects.bulk_create(participants)
    return conversation


def locked_pair(user_a: int, user_b: int) -> Conversation | None:
    return Conversation.objects.of_pair(user_a, user_b).select_for_update(no_key=True).first()


def require_not_too_many(user: User, now: datetime, *, besides: Conversation) -> None:
    """Spam to strangers. Counted on the rows themselves, so that a restart, another process or transport
    resets nothing.

    Raises: TooManyTries.
    """
    if not settings.LIMITS:
        return
    # Openings of one user wait for this lock; without it twenty parallel ones would all count nineteen.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    most = settings.LIMIT_NUMBERS["new_conversations_a_day"]
    mine = Conversation.objects.filter(
        opened_by=user, origin=Conversation.Origin.PEOPLE, created_at__gt=now - DAY
    ).exclude(pk=besides.pk)
    moments = list(mine.order_by("-created_at").values_list("created_at", flat=True)[:most])
    if len(moments) >= most:
        raise TooManyTries(retry_after_ms=int((moments[-1] + DAY - now).total_seconds() * 1000) + 1)


def hidden_from(conversation: Conversation, people: set[int]) -> set[int]:
    rows = Participant.objects.filter(conversation=conversation, user_id__in=people, activity__isnull=True)
    return set(rows.values_list("user_id", flat=True))


def show(conversation: Conversation, people: set[int], now: datetime) -> None:
    """Show it in the lists of these users and announce it. Under the conversation's lock: the journal writes
    the same columns."""
    if not people:
        return
    Participant.objects.filter(conversation=conversation, user_id__in=people).update(
        activity=now, mark=F("mark") + 1
    )
    Conversation.objects.filter(pk=conversation.pk).update(changed_at=now)
    conversation.changed_at = now
    announce_conversation(conversation, *sorted(people))
