"""Messages: the number of each in its conversation, the number of its last change, and its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from django.conf import settings
from django.db import models

from conversations.models.attachment import StoredFile
from conversations.models.conversation import Conversation
from conversations.protocol.objects import Reply


class MessageQuerySet(models.QuerySet["Message"]):
    def before(self, seq: int) -> Self:
        return self.filter(seq__lt=seq)

    def after(self, *seqs: int) -> Self:
        """Above all of these numbers. One bound: of two, SQLite begins at the first and reads every row up to
        the other, the whole history for a page in its middle."""
        return self.filter(seq__gt=max(seqs))

    def changed_later(self, after: int) -> Self:
        """Sent at or before number `after`, changed since."""
        return self.filter(models.Q(version__gt=models.F("seq")), version__gt=after, seq__lte=after)


class Message(models.Model):
    """Written by the journal only. The key begins with the conversation, so that the table can be partitioned
    by it later.

    `client_id` is the UUID that the client made (`id` on the wire). `fingerprint` is a keyed digest of what
    was first sent under it, and tells a repeat from a conflict after the text has changed. `ordinal` counts
    the recipient's messages.
    """

    class Kind(models.TextChoices):
        TEXT = "text"
        SYSTEM = "system"

    pk = models.CompositePrimaryKey("conversation_id", "seq")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    seq = models.BigIntegerField()
    version = models.BigIntegerField()
    client_id = models.UUIDField()
    fingerprint = models.BinaryField(max_length=16, null=True)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ordinal = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TEXT)
    body = models.TextField(blank=True)
    reply_to = models.BigIntegerField(null=True)
    reactions = models.JSONField(default=list)
    attachments = models.JSONField(null=True)
    """Wire objects, in order; null without any. They never change, so that reading a message costs no second
    query; rights and references are those of table attachment."""
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Message]] = MessageQuerySet.as_manager()

    # No columns. `deleted_for_me` is set by `selectors.hidden_messages` on rows that one person reads,
    # `hidden_from` by the journal on rows that it changes: the users who deleted the message for themselves.
    deleted_for_me = False
    hidden_from: frozenset[int] = frozenset()
    # Set by the journal on a message that is forwarded: its files, which the copy refers to.
    files: Sequence[StoredFile] = ()
    # What a reply shows of the message it answers, to the user who reads the row.
    reply: Reply | None = None

    class Meta:
        db_table = "message"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["conversation", "client_id"], name="message_one_per_client_id"),
            models.CheckConstraint(
                condition=models.Q(seq__gte=1) & models.Q(version__gte=models.F("seq")),
                name="message_numbers_make_sense",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Catch-up asks "changed after c": new messages come from the key, later changes from this small
            # index.
            models.Index(
                fields=["conversation", "version"],
                condition=models.Q(version__gt=models.F("seq")),
                name="message_changed_later",
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.seq} of conversation {self.conversation_id}"

    def blank(self) -> None:
        """Remove what its sender wrote and what both added, in memory: its place and numbers stay."""
        self.body, self.reply_to, self.reactions, self.fingerprint = "", None, [], None
        self.attachments = None
        self.edited_at = self.reply = None


class HiddenMessage(models.Model):
    """A message that one user deleted for themselves. `mark` is the mark of that user's participant row with
    which it was hidden, by which a device finds what it missed."""

    pk = models.CompositePrimaryKey("conversation_id", "seq", "user_id")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    seq = models.BigIntegerField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    mark = models.BigIntegerField()

    class Meta:
        db_table = "hidden_message"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["conversation", "user", "mark"], name="hidden_message_by_mark"),
        ]

    def __str__(self) -> str:
        return f"message {self.seq} of conversation {self.conversation_id}, hidden from {self.user_id}"
