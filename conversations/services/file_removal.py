"""Service: remove a stored file that no message and no upload has any more."""

from __future__ import annotations

from django.db import transaction

from conversations.attachments.storage import remove_bytes
from conversations.models import Attachment, Message, StoredFile, Upload
from conversations.services.file_space import has_room

HAND_OVER_AMONG = 100
"""References that are looked through for a user who still has the file."""


def file_remove(file_id: int) -> None:
    """Remove a stored file that nothing refers to: mark it, remove its bytes, then its row. After a crash the
    mark says that the rest is to be done."""
    with transaction.atomic():
        # Locked before the references are counted: a forward that adds one holds this row, too.
        file = StoredFile.objects.select_for_update().filter(pk=file_id).first()
        if file is None:
            return
        if file.state == StoredFile.State.KEPT:
            if has_references(file):
                hand_over(file)
                return
            StoredFile.objects.filter(pk=file_id).update(state=StoredFile.State.REMOVING)
    remove_bytes(file.key)
    StoredFile.objects.filter(pk=file_id).delete()


def hand_over(file: StoredFile) -> None:
    """A file that its uploader has in no message any more counts for a user who has: what others keep must
    not fill the uploader's space. Only for one with room for it: else two users who forward each other's
    files, and delete their own, would fill the disk."""
    if Upload.objects.filter(stored_file=file).exists():
        return
    senders: list[int] = []
    for use in Attachment.objects.filter(stored_file=file)[:HAND_OVER_AMONG]:
        message = Message.objects.filter(conversation_id=use.conversation_id, seq=use.seq)
        senders += message.values_list("sender_id", flat=True)
    if file.uploader_id in senders:
        return
    for user_id in dict.fromkeys(senders):
        if has_room(user_id, file.occupied):
            StoredFile.objects.filter(pk=file.pk).update(uploader_id=user_id)
            return


def has_references(file: StoredFile) -> bool:
    return (
        Attachment.objects.filter(stored_file=file).exists()
        or Upload.objects.filter(stored_file=file).exists()
    )
