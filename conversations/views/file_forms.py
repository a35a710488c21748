"""Files in the plain form of a chat: each is uploaded whole, under an id that a second submit gives again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid5

from django.core.files.uploadedfile import UploadedFile

from accounts.requests import SignedInRequest
from conversations import throttling
from conversations.attachments.kinds import HEAD_BYTES
from conversations.attachments.processing import kind_of
from conversations.exceptions import InvalidFile, PictureNotShown, Refusal, UploadConflict
from conversations.services.attachments import Announced, upload_cancel, upload_whole


def chosen_files(request: SignedInRequest) -> list[UploadedFile[Any]]:
    """Browsers send an empty file for a field without one; Django leaves it out."""
    return request.FILES.getlist("file")


def upload_files(
    request: SignedInRequest, form_id: UUID, files: Sequence[UploadedFile[Any]], *, as_files: bool
) -> tuple[str, ...]:
    """Upload all files of a form. Returns their ids.

    Args:
        as_files: pictures stay as they are, with all that they tell.

    Raises: as `upload_whole`, PictureNotShown, and TooManyTries; then none of them stays.
    """
    kinds = ["file" if as_files else kind_of(beginning_of(file)) for file in files]
    ids = [id_of(form_id, index, *chosen) for index, chosen in enumerate(zip(files, kinds, strict=True))]
    try:
        for id, file, kind in zip(ids, files, kinds, strict=True):
            upload_file(request, id, file, kind)
    except Refusal:
        for id in ids:
            with suppress(Refusal):
                upload_cancel(user=request.user, id=id)
        raise
    return tuple(map(str, ids))


def beginning_of(file: UploadedFile[Any]) -> bytes:
    file.seek(0)
    return bytes(file.read(HEAD_BYTES))


def id_of(form_id: UUID, index: int, file: UploadedFile[Any], kind: str) -> UUID:
    """The same for the same file only: a user who corrects a refused form may choose another one."""
    file.seek(0)
    content = hashlib.sha256()
    for chunk in file.chunks():
        content.update(chunk)
    return uuid5(form_id, f"{index} {kind} {content.hexdigest()} {file.name}")


def upload_file(request: SignedInRequest, id: UUID, file: UploadedFile[Any], kind: str) -> None:
    attempt = throttling.take_upload(user_id=request.user.id)
    announced = Announced(file.name or "", file.size or 0, kind)
    file.seek(0)
    try:
        upload_whole(user=request.user, id=id, announced=announced, read=file.read)
    except InvalidFile as refusal:
        if kind == "picture" and refusal.reason != "infected":
            raise PictureNotShown(refusal.reason) from None
        raise
    except UploadConflict:
        # Sent by the first submit of this form: the message is found as a repeat.
        attempt.refund()
