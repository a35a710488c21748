"""Conversations and their participants: the pair with its counters, and what each of the two has of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models

from conversations.models.transaction_number import NextMove


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def update(self, **changes: Any) -> int:
        """A change of `changed_at` also raises `moved`, by which the change poller of every process finds the
        row."""
        if "changed_at" in changes:
            changes.setdefault("moved", NextMove())
        return super().update(**changes)

    def of_pair(self, user_a: int, user_b: int) -> Self:
        return self.filter(low_id=min(user_a, user_b), high_id=max(user_a, user_b))


class Conversation(models.Model):
    """Two people. The row is the lock and the counter of everything that is numbered between them.

    `low` and `high` are the two user ids in order; the constraints below make a third person, and a second
    conversation of one pair, impossible to store.
    """

    class State(models.TextChoices):
        OPEN = "open"
        REQUEST = "request"
        CLOSED = "closed"

    class Origin(models.TextChoices):
        PEOPLE = "people"
        INVITE = "invite"

    id = models.BigAutoField(primary_key=True)
    low = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    high = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    room_name = models.CharField(max_length=35, unique=True)
    head = models.BigIntegerField(default=0)
    # Copies of table block, written under this row's lock, so that a block and a send cannot pass each other.
    low_blocks = models.BooleanField(default=False)
    high_blocks = models.BooleanField(default=False)
    state = models.CharField(max_length=7, choices=State, default=State.OPEN)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    is_met = models.BooleanField(default=False, db_default=False)
    """Both want this chat: each has opened it, or one has accepted the other's invite. If both have written,
    that counts too."""
    origin = models.CharField(max_length=6, choices=Origin, default=Origin.PEOPLE)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    moved = models.BigIntegerField(default=0, db_default=0, db_index=True)
    """The transaction number of the last change of `changed_at`; see `transaction_number`."""

    objects: ClassVar[models.Manager[Conversation]] = ConversationQuerySet.as_manager()

    class Meta:
        db_table = "conversation"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["low", "high"], name="conversation_one_per_pair"),
            models.CheckConstraint(
                condition=models.Q(low__lt=models.F("high")), name="conversation_low_before_high"
            ),
            models.CheckConstraint(condition=models.Q(head__gte=0), name="conversation_head_not_negative"),
        ]

    def __str__(self) -> str:
        return self.room_name

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        if update_fields is not None and "changed_at" in update_fields:
            update_fields = {*update_fields, "moved"}
        if not self._state.adding:
            self.moved = NextMove()
        super().save(update_fields=update_fields, **options)

    def peer_id(self, user_id: int) -> int:
        """The id of the other participant."""
        return self.high_id if user_id == self.low_id else self.low_id


class Participant(models.Model):
    """One of the two: how far this user has read, and the user's own settings of the conversation.

    `read_seq` and `delivered_seq` are my own positions; `shown_read` and `shown_delivered` are all that the
    peer may see of them. `received - read_count` is the number of unread messages, exact and without counting
    rows. `activity` is null until the conversation shows in my list.
    """

    pk = models.CompositePrimaryKey("conversation_id", "user_id")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    peer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    activity = models.DateTimeField(null=True)
    mark = models.BigIntegerField(default=0)
    received = models.BigIntegerField(default=0)
    read_count = models.BigIntegerField(default=0)
    read_seq = models.BigIntegerField(default=0)
    delivered_seq = models.BigIntegerField(default=0)
    shown_read = models.BigIntegerField(default=0)
    shown_delivered = models.BigIntegerField(default=0)
    cleared_seq = models.BigIntegerField(default=0)
    muted_until = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    pinned_at = models.DateTimeField(null=True)
    marked_unread = models.BooleanField(default=False)
    draft = models.TextField(blank=True, default="", db_default="")
    """What this user has typed and not sent, from whichever device; private to them."""

    class Meta:
        db_table = "participant"
        indexes: ClassVar[list[models.Index]] = [
            models.Index("user", models.F("activity").desc(), name="participant_list")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~models.Q(user=models.F("peer")), name="participant_is_not_own_peer"
            ),
            models.CheckConstraint(
                condition=models.Q(read_count__lte=models.F("received")),
                name="participant_read_within_received",
            ),
        ]

    def __str__(self) -> str:
        return f"participant {self.user_id} of conversation {self.conversation_id}"

    @property
    def unread(self) -> int:
        return self.received - self.read_count
