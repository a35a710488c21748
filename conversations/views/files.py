"""Files of messages: downloads, pictures, sound and video. The right is judged on each request."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from conversations import throttling
from conversations.attachments.names import content_disposition
from conversations.attachments.ranges import NotSatisfiable, Part, part_of
from conversations.attachments.storage import attachment_storage, name_of
from conversations.exceptions import AttachmentNotFound, Busy, Refusal, TooManyTries
from conversations.selectors.attachments import file_for

if TYPE_CHECKING:
    from conversations.models import StoredFile

THREADS = ThreadPoolExecutor(4, thread_name_prefix="files")
"""A slow disk holds up other downloads, not the pages."""
PICTURES = frozenset({"image/webp", "image/png", "image/jpeg", "image/gif"})
PLAYED = frozenset({"audio/mp4", "audio/webm", "audio/ogg", "audio/mpeg", "video/mp4", "video/webm"})
DOWNLOAD = "application/octet-stream"
KEPT_SECONDS = 3_600
"""How long a browser may keep a picture without asking. It forgets all of them on logout."""
POLICY = "default-src 'none'; sandbox"
ACCEL = "/entre-files/"
"""The location of deploy/nginx.conf that only X-Accel-Redirect reaches."""


@dataclass(frozen=True, slots=True)
class Served:
    """One file of the storage, as it is served."""

    id: UUID
    name: str
    type: str
    size: int
    disposition: str
    is_kept: bool

    @property
    def tag(self) -> str:
        """Of the attachment and its bytes, which never change. Its id alone can be used again once its
        message is deleted, and what a browser has of the former file must not pass for the new one; of the
        bytes alone, it would show that a message is a forward."""
        return f'"{hashlib.sha256(f"{self.id} {self.name}".encode()).hexdigest()[:32]}"'


@require_safe
def download(request: HttpRequest, id: UUID, name: str) -> HttpResponseBase:
    """The file itself, always to be saved: no browser opens it as a page. The name in the address is for
    people; what counts is the stored one."""
    file = found(request, id)
    type = file.type if file.type in PICTURES | PLAYED else DOWNLOAD
    disposition = content_disposition("attachment", file.name)
    return serve(request, Served(id, name_of(file.key), type, file.size, disposition, is_kept=False))


@require_safe
def display(request: HttpRequest, id: UUID) -> HttpResponseBase:
    return variant(request, id, "display")


@require_safe
def thumb(request: HttpRequest, id: UUID) -> HttpResponseBase:
    return variant(request, id, "thumb")


def variant(request: HttpRequest, id: UUID, which: str) -> HttpResponseBase:
    file = found(request, id)
    if which not in file.variants:
        if file.name == which:
            return download(request, id, which)
        raise Http404
    type, size = file.variants[which]
    disposition = content_disposition("inline", f"{which}.{type.rpartition('/')[2]}")
    name = name_of(file.key, which)
    return serve(request, Served(id, name, type, size, disposition, is_kept=True))


@require_safe
def media(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """Sound and video, for players in the page."""
    file = found(request, id)
    if file.kind not in {"voice", "video"} or file.type not in PLAYED:
        if file.name == "media":
            return download(request, id, "media")
        raise Http404
    disposition = content_disposition("inline", file.name)
    return serve(request, Served(id, name_of(file.key), file.type, file.size, disposition, is_kept=True))


def found(request: HttpRequest, id: UUID) -> StoredFile:
    """The same 404 for visitors, for others, and for what was deleted (T43)."""
    try:
        return file_for(request.user, id)
    except AttachmentNotFound:
        raise Http404 from None


def serve(request: HttpRequest, file: Served) -> HttpResponseBase:
    headers = {
        "ETag": file.tag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": file.disposition,
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": f"private, max-age={KEPT_SECONDS}" if file.is_kept else "private, no-store",
    }
    if is_kept_by_client(request.headers.get("If-None-Match"), file.tag):
        response: HttpResponseBase = HttpResponse(status=304, headers=headers)
        del response["Content-Type"]
    elif settings.FILES_BY_NGINX:
        # nginx answers ranges itself, with our ETag, and adds the headers that it does not take over
        # (deploy/nginx.conf).
        response = HttpResponse(
            content_type=file.type, headers=headers | {"X-Accel-Redirect": f"{ACCEL}{file.name}"}
        )
        del response["Accept-Ranges"]
    else:
        response = answer(request, file, headers)
    patch_vary_headers(response, ["Cookie"])
    return response


def is_kept_by_client(header: str | None, tag: str) -> bool:
    """If-None-Match: a list, compared weakly (RFC 9110, 13.1.2)."""
    return header is not None and any(
        each == "*" or each.removeprefix("W/") == tag for each in parse_etags(header)
    )


def answer(request: HttpRequest, file: Served, headers: dict[str, str]) -> HttpResponseBase:
    # Only the exact tag: a file of another attachment must never be continued with this one.
    has_range = request.headers.get("If-Range") in {None, file.tag} and request.method == "GET"
    try:
        part = part_of(request.headers.get("Range") if has_range else None, file.size)
    except NotSatisfiable:
        return HttpResponse(
            status=416, content_type=file.type, headers=headers | {"Content-Range": f"bytes */{file.size}"}
        )
    whole = part or Part(0, file.size, file.size)
    headers["Content-Length"] = str(whole.length)
    if part is not None:
        headers["Content-Range"] = part.content_range
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type=file.type, headers=headers)
    chunks = attachment_storage().read(file.name, whole.start, whole.length)
    try:
        throttling.allow_download(request.user.pk or 0)
        first = next(chunks, b"")
    except TooManyTries as refusal:
        return unavailable(refusal, status=429)
    except FileNotFoundError:
        # The bytes are being removed, or the folder was lost.
        raise Http404 from None
    except Busy as refusal:
        # The object store does not answer.
        return unavailable(refusal)
    return StreamingHttpResponse(
        streamed(request.user.pk or 0, first, chunks), status=status, content_type=file.type, headers=headers
    )


def unavailable(refusal: Refusal, status: int = 503) -> HttpResponse:
    wait = max(1, (refusal.retry_after_ms or 1_000) // 1_000)
    return HttpResponse(status=status, headers={"Retry-After": str(wait), "Cache-Control": "no-store"})


async def streamed(user_id: int, first: bytes, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """One chunk in memory at a time. Never Django's FileResponse, which reads a whole file under ASGI."""
    loop = asyncio.get_running_loop()
    try:
        with throttling.counted_download(user_id):
            data: bytes | None = first
            while data:
                yield data
                data = await loop.run_in_executor(THREADS, next, chunks, None)
    finally:
        await loop.run_in_executor(THREADS, chunks.close)  # type: ignore[attr-defined]
