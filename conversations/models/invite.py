"""Invites: a link for exactly one person, and the pending invite of a user who is still signing in."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models

from conversations.models.conversation import Conversation


class InviteQuerySet(models.QuerySet["Invite"]):
    def unclaimed(self) -> Self:
        """Neither accepted nor revoked, expired or not."""
        return self.filter(claimed_at__isnull=True, revoked_at__isnull=True)

    def open(self, now: datetime) -> Self:
        """Could be accepted at this time."""
        return self.unclaimed().filter(expires_at__gt=now)


class Invite(models.Model):
    """Only the digest of the token is stored, so that a backup holds no working links.

    `conversation` is set together with `claimed_by`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_column="maker_id"
    )
    token_digest = models.BinaryField(max_length=32, unique=True)
    note = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.SET_NULL, related_name="+")

    objects: ClassVar[models.Manager[Invite]] = InviteQuerySet.as_manager()

    class Meta:
        db_table = "invite"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["inviter", "-created_at"], name="invite_of_maker")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="invite_has_a_life"
            ),
            models.CheckConstraint(
                condition=~models.Q(claimed_by=models.F("inviter")), name="invite_not_claimed_by_maker"
            ),
            models.CheckConstraint(
                condition=models.Q(claimed_at__isnull=True) | models.Q(revoked_at__isnull=True),
                name="invite_claimed_or_revoked",
            ),
        ]

    def __str__(self) -> str:
        return f"invite {self.id}"


class PendingInvite(models.Model):
    """A user opened an invite and is signing up or logging in. Tied to the account, so that another device
    can accept it.

    It outlives the invite's expiry by up to 24 hours, never its revocation.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        db_table = "invite_wish"

    def __str__(self) -> str:
        return f"pending invite {self.invite_id} of {self.user_id}"
