"""Questions that chain and read as English. Rows come out; no decision is made here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q

from conversations.models.transaction_number import NextMove

if TYPE_CHECKING:
    from conversations.models.conversation import Conversation  # noqa: F401 (named below as text)
    from conversations.models.invite import Invite  # noqa: F401
    from conversations.models.message import Message  # noqa: F401


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def for_user(self, user_id: int) -> Self:
        """Only those this person takes part in. Every reading by room name begins here."""
        return self.filter(Q(low_id=user_id) | Q(high_id=user_id))

    def update(self, **changes: Any) -> int:
        """What is stamped as changed has moved, for the poller of every process."""
        if "changed_at" in changes:
            changes.setdefault("moved", NextMove())
        return super().update(**changes)

    def of_pair(self, user_a: int, user_b: int) -> Self:
        return self.filter(low_id=min(user_a, user_b), high_id=max(user_a, user_b))


class MessageQuerySet(models.QuerySet["Message"]):
    def before(self, seq: int) -> Self:
        return self.filter(seq__lt=seq)

    def after(self, seq: int) -> Self:
        return self.filter(seq__gt=seq)

    def changed_later(self, after: int) -> Self:
        """Born at or before `after`, changed since."""
        return self.filter(Q(version__gt=F("seq")), version__gt=after, seq__lte=after)


class InviteQuerySet(models.QuerySet["Invite"]):
    def waiting(self, now: datetime) -> Self:
        """Could still be claimed."""
        return self.filter(claimed_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now)
