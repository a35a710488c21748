"""Service: a user's card (name, username, picture, suspension) changes, and with it the rows that their peers
see.

The marks are raised in the transaction of the change itself, so that a device that misses the event still
finds the new row (P4).
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
from conversations.services.notifications import push_of

CHUNK = 500
"""Rows in one statement; neither database accepts an unlimited list."""
PUSHED_AT_ONCE = 200
"""Rows that are pushed. Open sockets find the others by their marks, within a second or two."""
LOCK_TIMEOUT_MS = 300


def card_change(*, user_id: int) -> None:
    """Call it inside the transaction of the change, before the user's own row is written.

    The order of locks is that of the journal and of opening a chat: conversations by id, then users. If
    another transaction holds one conversation, the others must not stay locked for long: the change then
    fails with OperationalError, and is retried.

    Announces: `conversation.changed` to the peers, `user.changed` to the user's own devices.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT_MS}ms"])
    showing = Participant.objects.filter(peer_id=user_id, activity__isnull=False).values("conversation_id")
    rooms = Conversation.objects.filter(pk__in=showing).order_by("pk").select_for_update(no_key=True)
    ids = list(rooms.values_list("pk", flat=True))
    now = timezone.now()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        Participant.objects.filter(conversation_id__in=part, peer_id=user_id).update(mark=F("mark") + 1)
        # The change poller of each process finds these, and their sockets get the new marks.
        Conversation.objects.filter(pk__in=part).update(changed_at=now)
    if ids:
        transaction.on_commit(lambda: push_to_peers(user_id), robust=True)
    transaction.on_commit(lambda: push_to_own_devices(user_id), robust=True)


def push_to_own_devices(user_id: int) -> None:
    """The card as it is now. It has no number: a device that misses it gets it in its next greeting."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is not None:
        publish([Push(user_group(user_id), EVERY_SOCKET, UserChanged(user=serializers.card(user)).encode())])


def push_to_peers(user_id: int) -> None:
    """The rows as they are now; latest chats first."""
    rows = rows_of_peers(user_id=user_id, limit=PUSHED_AT_ONCE)
    publish([push_of(row, viewer=row.me.user) for row in rows])
