"""Finishing an upload: all its bytes are here, so the file is checked, processed and stored."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.pictures.permits import NoPermit, Permits
from conversations.attachments import antivirus, parts, processing
from conversations.attachments.parts import PartFile
from conversations.attachments.storage import VARIANTS, attachment_storage, name_of
from conversations.exceptions import AttachmentNotFound, Busy, InvalidFile, QuotaFull
from conversations.models import FileKind, StoredFile, Upload
from conversations.services.file_space import has_room

PLACEHOLDER_CHARS = 1_000
SCANS = Permits()
"""Few files are scanned at once in this process, and of each user one."""


def upload_finish(upload: Upload, part: PartFile) -> StoredFile:
    """All bytes are here: check them, store them, and only then say so. The part file is removed last, so
    that after a crash in between everything is done again from it."""
    if upload.state == Upload.State.REJECTED:
        raise InvalidFile(upload.reason)
    try:
        scan(part.path, upload.uploader_id)
        made = processing.process(part.path, upload.kind, name=upload.name, user=upload.uploader_id)
    except processing.FileRejected as rejected:
        Upload.objects.filter(pk=upload.pk).update(state=Upload.State.REJECTED, reason=rejected.reason)
        raise InvalidFile(rejected.reason) from None
    file = store(upload, part.path, made)
    with transaction.atomic():
        ensure_room_for_variants(upload, file)
        file.save(force_insert=True)
        is_mine = Upload.objects.filter(pk=upload.pk, state=Upload.State.RECEIVING).update(
            state=Upload.State.READY, stored_file=file, size=file.size
        )
        if not is_mine:
            raise AttachmentNotFound
    parts.remove(upload.key)
    return file


def ensure_room_for_variants(upload: Upload, file: StoredFile) -> None:
    """A small picture can have large ones: three hundred of them, announced while there was room for what
    they said, would pass the limit many times over.

    Raises: QuotaFull.
    """
    more = file.occupied - upload.size
    if settings.LIMITS and more > 0 and not has_room(upload.uploader_id, more):
        raise QuotaFull(retry_after_ms=60_000)


def scan(path: Path, user_id: int) -> None:
    """Raises FileRejected, Busy."""
    try:
        with SCANS.permit(user_id) if settings.CLAMD_SOCKET else nullcontext():
            antivirus.scan(path)
    except NoPermit:
        raise Busy(retry_after_ms=processing.BUSY_MS) from None


def store(upload: Upload, path: Path, made: processing.Processed) -> StoredFile:
    """Put the bytes into the storage. Returns the row, not saved yet."""
    whole = made.variants.get("file", path)
    size = whole.stat().st_size
    attachment_storage().put(name_of(upload.key), whole)
    variants = store_variants(upload.key, made)
    return StoredFile(
        key=upload.key,
        uploader_id=upload.uploader_id,
        name=upload.name,
        size=size,
        occupied=size + sum_of(variants),
        type=made.type,
        kind=made.kind,
        width=made.width,
        height=made.height,
        seconds=made.seconds if made.seconds is not None else upload.seconds,
        peaks=upload.peaks,
        placeholder=placeholder_of(made),
        alt=upload.alt,
        variants=variants,
        created_at=timezone.now(),
    )


def store_variants(key: str, made: processing.Processed) -> dict[str, list[Any]]:
    """Returns the type and size of each. Their files beside the upload are removed."""
    found = {}
    for name in VARIANTS:
        path = made.variants.get(name)
        if path is not None:
            found[name] = [processing.type_of_picture(path), path.stat().st_size]
            attachment_storage().put(name_of(key, name), path)
    for path in made.variants.values():
        path.unlink(missing_ok=True)
    return found


def sum_of(variants: dict[str, list[Any]]) -> int:
    """Bytes of all variants: a small file can have large ones."""
    return sum(int(size) for _, size in variants.values())


def placeholder_of(made: processing.Processed) -> str:
    return made.placeholder if len(made.placeholder) <= PLACEHOLDER_CHARS else ""


def add_still(file: StoredFile, path: Path) -> StoredFile:
    try:
        made = processing.process(path, FileKind.PICTURE, user=file.uploader_id)
    except processing.FileRejected as rejected:
        raise InvalidFile(rejected.reason) from None
    # The picture itself is not kept: the download is the video.
    file.variants = store_variants(file.key, made)
    file.occupied = file.size + sum_of(file.variants)
    file.width, file.height, file.placeholder = made.width, made.height, placeholder_of(made)
    with transaction.atomic():
        # A message that takes the upload meanwhile has its own copy of these columns.
        if not Upload.objects.select_for_update().filter(stored_file=file).exists():
            raise AttachmentNotFound
        file.save(update_fields=["variants", "occupied", "width", "height", "placeholder"])
    return file
