"""Opening a conversation, and reopening a closed one: whom I may start one with, and the one function that makes the pair's rows."""

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
    """The person of this name, if `user` may start a chat with them or has one already.

    Raises:
        PersonNotFound: no such person, or nobody you may start a chat with; equal, so that names cannot be probed (safety.md rule zero).
    """
    wanted = normalize_username(username)
    # NUL: PostgreSQL refuses it with an error that would look different from "not found".
    if not wanted.isascii() or "\0" in wanted:
        raise PersonNotFound
    peer = User.objects.select_related("profile").filter(username=wanted).first()
    if peer is None or peer.pk == user.pk:
        raise PersonNotFound
    if room_with(user_id=user.pk, peer_id=peer.pk) is not None:
        return peer
    # A closed account keeps its name, so that nobody can take it; it must not be told apart from a name that never was.
    if not peer.is_active:
        raise PersonNotFound
    # Blocked people must not learn that they are.
    if is_blocked(user.pk, peer.pk):
        raise PersonNotFound
    # Who can be reached by invite only is not to be found by guessing names.
    if Profile.objects.filter(user_id=peer.pk, start_by=Profile.StartBy.ONLY_BY_INVITE).exists():
        raise PersonNotFound
    return peer


def conversation_open(
    *, user: User, peer: User, origin: str = Conversation.Origin.PEOPLE, now: datetime | None = None
) -> tuple[Conversation, bool]:
    """Find or make the conversation of the two and show it to `user`; both see it at once when an invite made it.

    Safe against any number of openings at one instant: the pair is unique in the database, and its row is locked before anything about
    it is judged, so a block cannot pass it either.
    Returns: the conversation, and whether it is new to `user`. Not whether its row is: that would tell that the other one opened it first.
    Raises: ConversationWithOneself; PersonNotFound (a block between the two); TooManyTries (too many new ones with strangers today).
    Announces: `conversation.changed` to those to whom it newly shows.
    """
    if user.pk == peer.pk:
        raise ConversationWithOneself
    now = now or timezone.now()
    with transaction.atomic():
        conversation = find_or_make(user, peer, origin, now)
        is_invited = origin == Conversation.Origin.INVITE
        newly_shown = hidden_from(conversation, {user.pk, peer.pk} if is_invited else {user.pk})
        # What shows already stays open to its owner, block or not.
        if newly_shown and is_blocked(user.pk, peer.pk):
            raise PersonNotFound
        if newly_shown and not is_invited:
            require_not_too_many(user, now, besides=conversation)
        if is_invited or (newly_shown and not hidden_from(conversation, {peer.pk})):
            meet(conversation)
        show(conversation, newly_shown, now)
    return conversation, user.pk in newly_shown


def conversation_reopen(*, user: User, room_name: str, now: datetime | None = None) -> None:
    """Undo a closing by the one who closed it ("Wrong person?"): their block ends, and the chat is open unless the other one blocks, too.

    Raises: ConversationNotFound; CannotDeliver (it is closed, and not by this person).
    Repeats: what is open stays open.
    Announces: `conversation.changed` to both.
    """
    membership = access_conversation(user, room_name)
    with transaction.atomic():
        # The lock that every send takes, as when it was closed.
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
    """The state of a conversation has no version; marks make devices that were away notice it."""
    Participant.objects.filter(conversation=conversation).update(mark=F("mark") + 1)


def meet(conversation: Conversation) -> None:
    """Both want this chat: from now on presence, typing and receipts flow, where nobody hides them. Under the conversation's lock."""
    if not conversation.is_met:
        conversation.is_met = True
        conversation.save(update_fields=["is_met"])
        transaction.on_commit(
            lambda: announce_meeting(conversation.low_id, conversation.high_id), robust=True
        )


def find_or_make(user: User, peer: User, origin: str, now: datetime) -> Conversation:
    """The pair's row, locked, with both participants. An existing one keeps its stored name, so a changed key breaks no address."""
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
        # Somebody else was faster between our look and our insert: wait for the lock, then see what they committed.
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
    """Counted on the rows themselves: a restart, a second process or another door forgives nothing (spam to strangers, safety.md)."""
    if not settings.LIMITS:
        return
    # The opener's row is the queue of their openings; without it twenty parallel ones would all count nineteen.
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
    """Put it into these lists, and tell them. Under the conversation's lock, because the journal writes the same columns under it."""
    if not people:
        return
    Participant.objects.filter(conversation=conversation, user_id__in=people).update(
        activity=now, mark=F("mark") + 1
    )
    Conversation.objects.filter(pk=conversation.pk).update(changed_at=now)
    conversation.changed_at = now
    announce_conversation(conversation, *sorted(people))
