"""Somebody's card (name, username, picture, standing) changes: everybody who has a chat with them sees another row of their list,
and their own devices another name and picture of their own.

The marks are raised in the transaction of the change itself, so a device that misses the event still finds the row (P4).
"""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from conversations import serializers
from conversations.delivery import Push, publish
from conversations.models import Conversation, Participant
from conversations.protocol.events import UserChanged
from conversations.rooms import EVERY_SOCKET, user_group
from conversations.selectors.conversations import rows_of_peers
from conversations.services.notifications import letter_of

CHUNK = 500
"""Rows in one statement; neither database takes an unlimited list."""
TOLD_AT_ONCE = 200
"""Rows that are pushed. The others are found by their marks, within a second or two, by whoever is there."""
LOCK_MS = 300


def card_change(*, user_id: int) -> None:
    """Call it inside the transaction of the change, before the person's own row is written.

    The order of locks is that of the journal and of opening a chat: conversations by id, then people. One conversation that somebody
    else holds must not keep the others locked for long: the change then fails with OperationalError, and is tried again.

    Announces: `conversation.changed` to the peers, `user.changed` to the person's own devices.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_MS}ms"])
    showing = Participant.objects.filter(peer_id=user_id, activity__isnull=False).values("conversation_id")
    rooms = Conversation.objects.filter(pk__in=showing).order_by("pk").select_for_update(no_key=True)
    ids = list(rooms.values_list("pk", flat=True))
    now = timezone.now()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        Participant.objects.filter(conversation_id__in=part, peer_id=user_id).update(mark=F("mark") + 1)
        # What processes poll by: their sockets hear of the new marks.
        Conversation.objects.filter(pk__in=part).update(changed_at=now)
    if ids:
        transaction.on_commit(lambda: tell_peers(user_id), robust=True)
    transaction.on_commit(lambda: tell_own_devices(user_id), robust=True)


def tell_own_devices(user_id: int) -> None:
    """Their card as it is now. It has no number: a device that misses it finds it in its next greeting."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is not None:
        publish([Push(user_group(user_id), EVERY_SOCKET, UserChanged(user=serializers.card(user)).encode())])


def tell_peers(user_id: int) -> None:
    """Rows as they are now; the latest chats first."""
    rows = rows_of_peers(user_id=user_id, limit=TOLD_AT_ONCE)
    publish([letter_of(row, viewer=row.me.user) for row in rows])
