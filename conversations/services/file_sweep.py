"""Sweep of files: uploads that were never sent, stored files that nothing refers to, bytes that no row names.

Each step may run twice, at any time, and beside uploads: rows are written before their bytes, and removed
after them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Exists, OuterRef

from conversations.attachments import parts
from conversations.attachments.storage import VARIANTS, attachment_storage
from conversations.exceptions import Busy
from conversations.models import Attachment, StoredFile, Upload
from conversations.services.attachments import upload_remove
from conversations.services.file_removal import file_remove

BATCH = 500
UNTOUCHED = timedelta(hours=1)
"""What is younger may belong to a request that is running."""


def has_expired_uploads(now: datetime) -> bool:
    return Upload.objects.filter(expires_at__lt=now).exists()


def uploads_expire(now: datetime) -> int:
    """Forget uploads that no message has taken in time, with their bytes. Returns how many."""
    count = 0
    after = None
    while True:
        rows = Upload.objects.filter(expires_at__lt=now).order_by("pk")
        batch = list((rows if after is None else rows.filter(pk__gt=after))[:BATCH])
        for upload in batch:
            try:
                with parts.opened(upload.key, wait=0) as part:
                    upload_remove(upload, part)
            except Busy:
                # It is being written at this moment; the next sweep asks again.
                continue
            count += 1
        if len(batch) < BATCH:
            return count
        after = batch[-1].pk


def files_remove_unreferenced(before: datetime) -> int:
    """Remove stored files whose job was lost, or failed for good. Returns how many."""
    rows = StoredFile.objects.order_by("pk")
    free = rows.filter(
        ~Exists(Attachment.objects.filter(stored_file=OuterRef("pk"))),
        ~Exists(Upload.objects.filter(stored_file=OuterRef("pk"))),
        created_at__lt=before,
    )
    count, after = 0, 0
    # By key, in pieces: one statement over all files would run for long.
    while ids := list(rows.filter(pk__gt=after).values_list("pk", flat=True)[:BATCH]):
        after = ids[-1]
        for id in list(free.filter(pk__gte=ids[0], pk__lte=after).values_list("pk", flat=True)):
            file_remove(id)
            count += 1
    return count


def bytes_sweep(before: datetime) -> int:
    """Remove what no row names: from a crash, or from before a backup was restored. Returns how many."""
    storage = attachment_storage()
    count = 0
    for delete, names in (
        (storage.delete, storage.stored(before)),
        (parts.remove_file, parts.stored(before)),
    ):
        for batch in batches(names):
            for name in unnamed(batch):
                delete(name)
                count += 1
    return count


def batches(names: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(names)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def unnamed(names: list[str]) -> list[str]:
    """Those that neither a stored file nor an upload has."""
    parsed = {name: name.rpartition("/")[2].partition(".") for name in names}
    keys = {key for key, _, _ in parsed.values()}
    # In this order: an upload that ends meanwhile is in one of the two, or in both.
    uploading = set(Upload.objects.filter(key__in=keys, stored_file=None).values_list("key", flat=True))
    stored = set(StoredFile.objects.filter(key__in=keys).values_list("key", flat=True))
    return [
        name
        for name, (key, _, suffix) in parsed.items()
        if key not in uploading and not (key in stored and suffix in {"", *VARIANTS})
    ]
