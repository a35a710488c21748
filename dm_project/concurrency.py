"""HTTP concurrency limit: excess requests wait briefly in a bounded queue, then get 503 with Retry-After.

Django runs each request in a thread of its own, and the server accepts requests as fast as they arrive:
without a limit, a few hundred simultaneous requests are a few hundred threads, each with its memory and its
database connection.

No deadlock is possible: a slot belongs to a request until its response begins, and no request makes another
one. From then on no thread works for it, and a client that reads slowly holds up only itself.
"""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings

from dm_project.handshakes.limit import ConcurrencyLimit, QueuedClient
from dm_project.refusals import refusal

RETRY_AFTER_S = 5
HEALTH = frozenset({"/healthz", "/readyz", "/metrics"})
PASSWORD_AREAS = ("/accounts/", "/admin/")
UPLOADS, CHATS = "/api/v1/attachments", "/chats/"
TEXT_FORM_BYTES = 65_536
"""The longest text fits."""
SHARE = 3
"""Uploads that one session may have in work at once."""
PASSWORD_ANSWER_SECONDS = 0.3
"""No response to a form that may have hashed a password leaves earlier. So an unknown account, a known one,
and one whose old hash takes longer than today's get their response in the same time (docs/threats.md T23). No
thread is held meanwhile."""


class RequestLimit:
    """ASGI middleware around Django.

    Four queues: neither a flood of logins nor uploads must delay pages, and none of them health checks.
    """

    def __init__(self, application: Any) -> None:
        self.application = application
        self.pages = ConcurrencyLimit(max_concurrent=16, max_queued=256, timeout_seconds=5.0)
        self.passwords = ConcurrencyLimit(max_concurrent=4, max_queued=64, timeout_seconds=5.0)
        # Few at once: each part ends with a flush of the disk, and beside it people write messages.
        self.uploads = ConcurrencyLimit(max_concurrent=6, max_queued=512, timeout_seconds=20.0)
        self.shares: dict[bytes, Share] = {}
        """Of `uploads`, by session, while it has a request."""
        self.health = ConcurrencyLimit(max_concurrent=2, max_queued=32, timeout_seconds=5.0)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] in HEALTH:
            await self.serve(self.health, scope, receive, send)
        elif scope["method"].upper() == "POST" and scope["path"].startswith(PASSWORD_AREAS):
            delayed = DelayedResponse()
            await self.serve(self.passwords, scope, receive, delayed.send)
            await delayed.forward(send)
        elif is_upload(scope):
            await self.serve_upload(scope, receive, send)
        else:
            await self.serve(self.pages, scope, receive, send)

    async def serve_upload(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if sum(share.requests for share in self.shares.values()) > self.uploads.max_queued:
            # Each keeps its body in a file meanwhile.
            await reject(send, scope["path"])
            return
        key = session_of(scope)
        share = self.shares.setdefault(key, Share(self.uploads))
        share.requests += 1
        try:
            await self.serve(share, scope, receive, send)
        finally:
            share.requests -= 1
            if not share.requests:
                del self.shares[key]

    async def serve(self, limit: ConcurrencyLimit, scope: dict[str, Any], receive: Any, send: Any) -> None:
        disconnected = scope.get("disconnected")
        client = QueuedClient(receive, disconnected() if disconnected else None)
        if not await limit.acquire(client):
            if not client.is_disconnected:
                await reject(send, scope["path"])
            return
        is_held = True

        def release_once() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                limit.release()

        async def send_and_release(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                release_once()
            await send(message)

        try:
            await self.application(scope, client.receive, send_and_release)
        finally:
            release_once()


class Share(ConcurrencyLimit):
    """What one session may use of a limit, with a queue of its own: pictures that take seconds each, sent by
    one user over a hundred connections, must not keep all others from sending theirs."""

    def __init__(self, whole: ConcurrencyLimit) -> None:
        super().__init__(
            max_concurrent=SHARE, max_queued=whole.max_queued // 2, timeout_seconds=whole.timeout_seconds
        )
        self.whole = whole
        self.requests = 0
        """Waiting or in work."""

    async def acquire(self, client: QueuedClient) -> bool:
        if not await super().acquire(client):
            return False
        is_acquired = False
        try:
            is_acquired = await self.whole.acquire(client)
        finally:
            if not is_acquired:
                super().release()
        return is_acquired

    def release(self) -> None:
        self.whole.release()
        super().release()


def session_of(scope: dict[str, Any]) -> bytes:
    """What the client calls its session. It may be wrong: then the request is refused at once."""
    name = settings.SESSION_COOKIE_NAME.encode()
    for header, value in scope.get("headers", ()):
        if header == b"cookie":
            for pair in value.split(b";"):
                found, _, content = pair.strip().partition(b"=")
                if found == name:
                    return bytes(content)
    return b""


def is_upload(scope: dict[str, Any]) -> bool:
    """Over the API, or with the plain form of a chat: that of a text alone is small."""
    if scope["method"].upper() == "GET":
        return False
    if scope["path"].startswith(UPLOADS):
        return True
    length = next((value for name, value in scope.get("headers", ()) if name == b"content-length"), b"")
    return bool(scope["path"].startswith(CHATS)) and length.isdigit() and int(length[:9]) > TEXT_FORM_BYTES


class DelayedResponse:
    """Buffers a response until its time has come."""

    def __init__(self) -> None:
        self.send_at = asyncio.get_running_loop().time() + PASSWORD_ANSWER_SECONDS
        self.messages: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    async def forward(self, send: Any) -> None:
        await asyncio.sleep(self.send_at - asyncio.get_running_loop().time())
        for message in self.messages:
            await send(message)


async def reject(send: Any, path: str) -> None:
    headers, content = refusal(503, "Service Unavailable", path=path, retry_after_s=RETRY_AFTER_S)
    raw = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": 503, "headers": raw})
    await send({"type": "http.response.body", "body": content})
