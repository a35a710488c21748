"""Files in the plain form of a chat: each is uploaded whole, under an id that a second submit gives again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid5

from django.core.files.uploadedfile import UploadedFile

from accounts.requests import SignedInRequest
from conversations import throttling
from conversations.exceptions import InvalidFile, Refusal, UploadConflict
from conversations.services.attachments import Announced, upload_cancel, upload_whole

PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


def chosen_files(request: SignedInRequest) -> list[UploadedFile[Any]]:
    """Browsers send an empty file for a field without one; Django leaves it out."""
    return request.FILES.getlist("file")


def upload_files(
    request: SignedInRequest, form_id: UUID, files: Sequence[UploadedFile[Any]]
) -> tuple[str, ...]:
    """Upload all files of a form. Returns their ids.

    Raises: as `upload_whole`, and TooManyTries; then none of them stays.
    """
    ids = [uuid5(form_id, str(index)) for index in range(len(files))]
    try:
        for id, file in zip(ids, files, strict=True):
            upload_file(request, id, file)
    except Refusal:
        for id in ids:
            with suppress(Refusal):
                upload_cancel(user=request.user, id=id)
        raise
    return tuple(map(str, ids))


def upload_file(request: SignedInRequest, id: UUID, file: UploadedFile[Any]) -> None:
    kinds = ["picture", "file"] if file.content_type in PICTURE_TYPES else ["file"]
    attempt = throttling.take_upload(user_id=request.user.id)
    for kind in kinds:
        announced = Announced(file.name or "", file.size or 0, kind)
        file.seek(0)
        try:
            upload_whole(user=request.user, id=id, announced=announced, read=file.read)
        except InvalidFile:
            if kind == "file":
                raise
        except UploadConflict:
            # Sent by the first submit of this form: the message is found as a repeat.
            attempt.refund()
            return
        else:
            return
