"""Attachments: what was uploaded, its use in messages, and uploads that no message has taken yet."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from conversations.models.conversation import Conversation


class FileKind(models.TextChoices):
    PICTURE = "picture"
    FILE = "file"
    VOICE = "voice"
    VIDEO = "video"


class StoredFile(models.Model):
    """The bytes of one upload and its variants, under `key` in the storage.

    Messages share it: a forward refers to the same row. When nothing refers to it any more, the job
    `files_remove` marks it, removes the bytes and then the row; a marked one is never referred to again.
    """

    class State(models.TextChoices):
        KEPT = "kept"
        REMOVING = "removing"

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=26, unique=True)
    uploader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    occupied = models.BigIntegerField(db_default=0)
    """With its variants: what counts for the space of its uploader."""
    type = models.CharField(max_length=100)
    kind = models.CharField(max_length=7, choices=FileKind)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    peaks = models.JSONField(null=True)
    placeholder = models.TextField(blank=True)
    alt = models.TextField(blank=True)
    """What its sender wrote for those who cannot see the picture."""
    variants = models.JSONField(default=dict)
    """By name: [type, size]."""
    state = models.CharField(max_length=8, choices=State, default=State.KEPT)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "stored_file"
        indexes: ClassVar[list[models.Index]] = [
            # What a user occupies is summed up from the index alone.
            models.Index(fields=["uploader", "occupied"], name="stored_file_of_uploader"),
        ]

    def __str__(self) -> str:
        return f"stored file {self.pk}"


class Upload(models.Model):
    """A file on its way, or waiting for the message that takes it. `id` is the client's, and becomes that of
    the attachment. How far it has come is the length of its file (`attachments.parts`)."""

    class State(models.TextChoices):
        RECEIVING = "receiving"
        REJECTED = "rejected"
        READY = "ready"

    id = models.UUIDField(primary_key=True)
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=26, unique=True)
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    kind = models.CharField(max_length=7, choices=FileKind)
    seconds = models.FloatField(null=True)
    peaks = models.JSONField(null=True)
    state = models.CharField(max_length=9, choices=State, default=State.RECEIVING)
    reason = models.CharField(max_length=20, blank=True)
    """Why it was rejected."""
    alt = models.TextField(blank=True)
    stored_file = models.OneToOneField(StoredFile, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "upload"

    def __str__(self) -> str:
        return f"upload {self.pk}"


class Attachment(models.Model):
    """The use of a stored file in one message, at one position. `id` is public, and no permission."""

    id = models.UUIDField(primary_key=True)
    stored_file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="attachments")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=7, choices=FileKind)

    class Meta:
        db_table = "attachment"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["conversation", "seq", "position"], name="attachment_one_per_position"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["conversation", "kind", "seq"], name="attachment_by_kind"),
        ]

    def __str__(self) -> str:
        return f"attachment {self.pk}"
