"""HTTP concurrency limit: excess requests wait briefly in a bounded queue, then get 503 with Retry-After.

Django runs each request in a thread of its own, and the server accepts requests as fast as they arrive:
without a limit, a few hundred simultaneous requests are a few hundred threads, each with its memory and its
database connection.

No deadlock is possible: a slot belongs to a request until its response begins, and no request makes another
one. From then on no thread works for it, and a client that reads slowly holds up only itself.
"""

import asyncio
from typing import Any

from dm_project.handshakes.limit import ConcurrencyLimit, QueuedClient
from dm_project.refusals import refusal

RETRY_AFTER_S = 5
HEALTH = frozenset({"/healthz", "/readyz", "/metrics"})
PASSWORD_AREAS = ("/accounts/", "/admin/")
UPLOADS = "/api/v1/attachments"
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
        self.health = ConcurrencyLimit(max_concurrent=2, max_queued=32, timeout_seconds=5.0)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] in HEALTH:
            await self.serve(self.health, scope, receive, send)
        elif scope["method"].upper() == "POST" and scope["path"].startswith(PASSWORD_AREAS):
            delayed = DelayedResponse()
            await self.serve(self.passwords, scope, receive, delayed.send)
            await delayed.forward(send)
        elif scope["method"].upper() != "GET" and scope["path"].startswith(UPLOADS):
            await self.serve(self.uploads, scope, receive, send)
        else:
            await self.serve(self.pages, scope, receive, send)

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
    sentence = "Too many requests at this moment. Try again in a few seconds."
    headers, content = refusal(503, sentence, path=path, retry_after_s=RETRY_AFTER_S)
    raw = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": 503, "headers": raw})
    await send({"type": "http.response.body", "body": content})
