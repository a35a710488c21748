"""Services: upload a file in parts or at once, and cancel it.

An upload belongs to its uploader until a message takes it (the journal does that). The API and the plain form
call these; every step may be repeated, and a killed server leaves nothing that a repeat or the sweep cannot
finish.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from conversations.attachments import parts
from conversations.attachments.names import clean_alt, clean_name
from conversations.attachments.parts import PartFile
from conversations.attachments.storage import new_key, remove_bytes
from conversations.exceptions import (
    AttachmentNotFound,
    FileTooLarge,
    InvalidFile,
    PartTooLarge,
    QuotaFull,
    StorageFull,
    UploadConflict,
    WrongOffset,
)
from conversations.jobs.file_removal import files_remove_later
from conversations.models import Attachment, FileKind, StoredFile, Upload
from conversations.services.file_space import has_room
from conversations.services.upload_finish import add_still, upload_finish

KEPT_UNSENT = timedelta(hours=24)
PEAKS, HIGHEST_PEAK = 64, 100
LONGEST_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Announced:
    """What a client says of a file before it sends it."""

    name: str
    size: int
    kind: str
    seconds: float | None = None
    peaks: list[int] | None = None
    alt: str = ""
    """A description of a picture or video."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload has come; `file` once it is complete."""

    upload: Upload
    offset: int
    file: StoredFile | None = None
    is_new: bool = False


def upload_begin(*, user: User, id: UUID, announced: Announced) -> Progress:
    """Announce an upload under an id of the client.

    Raises: InvalidFileName (or the description), FileTooLarge, QuotaFull, StorageFull,
        UploadConflict (the id belongs to another file).
    Repeats: the same announcement gets the present offset. A rejected one may be announced again as a file.
    """
    announced = cleaned(announced)
    earlier = Upload.objects.select_related("stored_file").filter(pk=id).first()
    if earlier is not None:
        return again(user, earlier, announced)
    with transaction.atomic():
        ensure_space(user, announced.size)
        now = timezone.now()
        upload, is_new = Upload.objects.get_or_create(
            pk=id,
            defaults={
                "uploader": user,
                "key": new_key(),
                "created_at": now,
                "expires_at": now + KEPT_UNSENT,
                **fields_of(announced),
            },
        )
        # After the row is there: a send turns an upload into an attachment, and one that is being written now
        # has made this transaction wait.
        if is_new and Attachment.objects.filter(pk=id).exists():
            raise UploadConflict
    return Progress(upload, 0, is_new=True) if is_new else again(user, upload, announced)


def fields_of(announced: Announced) -> dict[str, Any]:
    return {
        "name": announced.name,
        "size": announced.size,
        "kind": announced.kind,
        "seconds": announced.seconds,
        "peaks": announced.peaks,
        "alt": announced.alt,
    }


def cleaned(announced: Announced) -> Announced:
    if announced.size > settings.ATTACHMENT_BYTES:
        raise FileTooLarge
    has_sound = announced.kind in {FileKind.VOICE, FileKind.VIDEO}
    peaks = announced.peaks if announced.kind == FileKind.VOICE else None
    return Announced(
        name=clean_name(announced.name),
        size=announced.size,
        kind=announced.kind,
        seconds=min(max(announced.seconds, 0), LONGEST_SECONDS)
        if has_sound and announced.seconds is not None
        else None,
        alt=clean_alt(announced.alt) if announced.kind in {FileKind.PICTURE, FileKind.VIDEO} else "",
        peaks=None if not peaks else [min(max(peak, 0), HIGHEST_PEAK) for peak in peaks[:PEAKS]],
    )


def again(user: User, upload: Upload, announced: Announced) -> Progress:
    """The same upload, announced before. Raises UploadConflict: another file, or another user's."""
    if upload.uploader_id != user.pk:
        raise UploadConflict
    if upload.state == Upload.State.REJECTED and announced.kind == FileKind.FILE:
        # "Send as a file": the bytes are here already.
        changed = {"kind": FileKind.FILE, "seconds": None, "peaks": None, "alt": ""}
        state = {"state": Upload.State.RECEIVING, "reason": ""}
        Upload.objects.filter(pk=upload.pk, state=Upload.State.REJECTED).update(**changed, **state)
        upload.refresh_from_db()
    if any(getattr(upload, name) != value for name, value in fields_of(announced).items()):
        raise UploadConflict
    return progress_of(upload)


def progress_of(upload: Upload) -> Progress:
    if upload.state == Upload.State.READY:
        return Progress(upload, upload.size, upload.stored_file)
    return Progress(upload, parts.offset_of(upload.key))


def ensure_disk(size: int) -> None:
    """Uploads never take what the database needs. Asked again for each part: many that were announced at once
    each found the same space.

    Raises: StorageFull.
    """
    if parts.free_bytes() - size < settings.DISK_FREE_MB * 2**20:
        raise StorageFull(retry_after_ms=60_000)


def ensure_space(user: User, size: int) -> None:
    """Of the disk and of the user.

    Raises: StorageFull, QuotaFull.
    """
    ensure_disk(size)
    if not settings.LIMITS:
        return
    if not has_room(user.pk, size):
        raise QuotaFull(retry_after_ms=60_000)


def upload_progress(*, user: User, id: UUID) -> Progress:
    """Raises AttachmentNotFound: unknown, another user's, sent already, or too old."""
    upload = Upload.objects.select_related("stored_file").filter(pk=id, uploader_id=user.pk).first()
    if upload is None:
        raise AttachmentNotFound
    return progress_of(upload)


def upload_append(*, user: User, id: UUID, offset: int, read: Callable[[int], bytes]) -> Progress:
    """Store one part. With the last one the file is checked and becomes ready.

    Args:
        offset: where the part begins; an empty part at the end of a file asks for the check again.
        read: the next bytes, at most so many; empty at the end.

    Raises: AttachmentNotFound, WrongOffset, PartTooLarge (more than a part, or than was announced),
        InvalidFile, StorageFull, Busy (another request for this upload, or too many files are processed).
    """
    progress = upload_progress(user=user, id=id)
    if progress.file is not None:
        # Before a file is made for its parts, which nothing would remove.
        return at_offset(progress, offset)
    upload = progress.upload
    with parts.opened(upload.key) as part:
        progress = at_offset(locked_progress(user, upload), offset)
        if progress.file is not None:
            parts.remove(upload.key)
            return progress
        append(part, read, most=min(settings.ATTACHMENT_PART_BYTES, upload.size - offset))
        if part.offset < upload.size:
            return Progress(upload, part.offset)
        return Progress(upload, upload.size, upload_finish(progress.upload, part))


def at_offset(progress: Progress, offset: int) -> Progress:
    """Raises WrongOffset."""
    if progress.offset != offset:
        raise WrongOffset(progress.offset)
    return progress


def locked_progress(user: User, upload: Upload) -> Progress:
    """As it is now that no other request writes it."""
    try:
        return upload_progress(user=user, id=upload.pk)
    except AttachmentNotFound:
        # Cancelled or sent meanwhile: what `opened` has made belongs to nothing.
        parts.remove(upload.key)
        raise


def append(part: PartFile, read: Callable[[int], bytes], *, most: int) -> None:
    """Raises: PartTooLarge, StorageFull."""
    ensure_disk(most)
    if part.append(read, most) > most:
        raise PartTooLarge


def upload_whole(*, user: User, id: UUID, announced: Announced, read: Callable[[int], bytes]) -> Progress:
    """Upload a file in one request: `upload_begin` and all its parts.

    Raises: as both. A file that is rejected leaves nothing.
    Repeats: the same file under the same id gets the same answer.
    """
    progress = upload_begin(user=user, id=id, announced=announced)
    upload = progress.upload
    if progress.file is not None:
        return progress
    try:
        with parts.opened(upload.key) as part:
            progress = locked_progress(user, upload)
            if progress.file is not None:
                return progress
            part.restart()
            append(part, read, most=upload.size)
            if part.offset < upload.size:
                raise PartTooLarge
            return Progress(upload, upload.size, upload_finish(progress.upload, part), is_new=True)
    except (InvalidFile, FileTooLarge, QuotaFull):
        upload_cancel(user=user, id=id)
        raise


def upload_add_still(*, user: User, id: UUID, read: Callable[[int], bytes]) -> Progress:
    """Give a complete video that is not sent yet the picture that is shown before it plays: a frame that its
    sender's browser has drawn. It is processed like any picture; its variants become those of the video.

    Repeats: the first still stays. A message that takes the video meanwhile tells the size of its variants.

    Raises: AttachmentNotFound, UploadConflict (no video, or not complete), PartTooLarge, InvalidFile,
        StorageFull, Busy.
    """
    upload = upload_progress(user=user, id=id).upload
    with parts.opened(upload.key) as part:
        try:
            progress = locked_progress(user, upload)
            if progress.file is None or progress.file.kind != FileKind.VIDEO:
                raise UploadConflict
            if progress.file.variants:
                return progress
            part.restart()
            append(part, read, most=settings.ATTACHMENT_PART_BYTES)
            return Progress(upload, upload.size, add_still(progress.file, part.path))
        finally:
            if upload.state == Upload.State.READY:
                parts.remove(upload.key)


def upload_cancel(*, user: User, id: UUID) -> None:
    """Forget an upload that no message has taken, with its bytes.

    Raises: AttachmentNotFound, Busy (a part of it is being stored).
    """
    upload = upload_progress(user=user, id=id).upload
    with parts.opened(upload.key) as part:
        if not upload_remove(upload, part):
            raise AttachmentNotFound


def upload_remove(upload: Upload, part: PartFile) -> bool:
    """Forget it; false if a message has taken it meanwhile. The caller holds its file."""
    with transaction.atomic():
        left = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if left is not None:
            left.delete()
            if left.stored_file_id is not None:
                files_remove_later([left.stored_file_id])
    if left is not None and left.stored_file_id is None and part.offset >= left.size:
        # A crash may have come after its bytes were stored.
        remove_bytes(left.key)
    parts.remove(upload.key)
    return left is not None
