"""Factories: plain functions that create rows with sensible defaults.

They bypass the services, so use them only where the service itself is not under test.
"""

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from accounts.folding import search_key
from accounts.models import Profile, User
from conversations import rooms
from conversations.models import Conversation, Message, Participant

PASSWORD = "correct horse battery"
_numbers = count(1)


def make_user(
    username: str = "", name: str = "", *, listed: bool = True, password: str = PASSWORD, **profile: Any
) -> User:
    """An account with its profile. Every user may start a chat with it, unless `start_by` is given."""
    username = username or f"person{next(_numbers)}"
    name = name or username.capitalize()
    user = User(username=username, name=name)
    user.set_password(password)
    user.save()
    profile.setdefault("start_by", Profile.StartBy.EVERYBODY)
    values = {"listed": listed, "search_key": search_key(username, name), **profile}
    Profile.objects.update_or_create(user=user, defaults=values)
    return User.objects.select_related("profile").get(pk=user.pk)


def make_conversation(
    one: User, other: User, *, now: datetime | None = None, visible: bool = True
) -> Conversation:
    """An open conversation of two users, in both lists unless `visible` is false."""
    now = now or timezone.now()
    low, high = sorted((one, other), key=lambda user: user.pk)
    conversation = Conversation.objects.create(
        low=low,
        high=high,
        room_name=rooms.room_name(low.pk, high.pk, key=settings.ROOM_NAME_KEY),
        opened_by=one,
        # In both lists without a message: both users have opened it.
        is_met=visible,
        created_at=now,
        changed_at=now,
    )
    activity = now if visible else None
    for user, peer in ((low, high), (high, low)):
        Participant.objects.create(conversation=conversation, user=user, peer=peer, activity=activity)
    return conversation


def make_message(conversation: Conversation, sender: User, body: str = "hello", **values: Any) -> Message:
    """The next message of a conversation with all counters, as the journal writes it."""
    conversation.refresh_from_db()
    now = values.pop("created_at", None) or timezone.now()
    recipient = Participant.objects.get(conversation=conversation, peer=sender)
    conversation.head += 1
    conversation.changed_at = now
    conversation.save(update_fields=["head", "changed_at"])
    Participant.objects.filter(conversation=conversation, user=recipient.user_id).update(
        received=recipient.received + 1, activity=now
    )
    Participant.objects.filter(conversation=conversation, user=sender).update(activity=now)
    return Message.objects.create(
        conversation=conversation,
        seq=conversation.head,
        version=conversation.head,
        client_id=values.pop("client_id", None) or uuid4(),
        sender=sender,
        ordinal=recipient.received + 1,
        body=body,
        created_at=now,
        **values,
    )


def make_messages(conversation: Conversation, senders: list[User], how_many: int) -> list[Message]:
    """Messages of alternating senders, a minute apart, the last one now."""
    start = timezone.now() - timedelta(minutes=how_many)
    return [
        make_message(
            conversation,
            senders[index % len(senders)],
            f"message {index + 1}",
            created_at=start + timedelta(minutes=index),
        )
        for index in range(how_many)
    ]
