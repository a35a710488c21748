"""Service: the space that the files of one user may fill together (ATTACHMENT_BYTES_A_PERSON)."""

from __future__ import annotations

from django.conf import settings

from accounts.models import User
from conversations.selectors.attachments import space_taken


def has_room(user_id: int, more: int) -> bool:
    """Whether so many bytes more would fit. Inside a transaction: the user's row is locked until its end, so
    that many requests at once cannot pass together."""
    User.objects.select_for_update(no_key=True).only("pk").filter(pk=user_id).first()
    return space_taken(user_id) + more <= settings.ATTACHMENT_BYTES_A_PERSON
