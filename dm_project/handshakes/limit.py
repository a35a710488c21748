"""Admission control of handshakes: a semaphore with a bounded queue. The others are told to retry.

Load must never look like a refusal: a 403 says "not you" (ADR 0009). Knows handshakes, no users.
"""

import asyncio
from collections import deque
from typing import Any

from dm_project.handshakes.unavailable import close_with_retry

MAX_CONCURRENT, MAX_QUEUED = 64, 5_000
QUEUE_TIMEOUT_SECONDS = 5.0
"""Well below the ten seconds after which browsers give up: a later answer would go to a client that has
already reconnected."""
RETRY_MS_PER_QUEUED = 5


class QueuedClient:
    """The receiving side of a request that waits.

    Buffers its messages for the application, and notices a disconnect.

    Args:
        disconnected: a future that tells it; then nothing is read, and a large body stays in its file.
    """

    def __init__(self, receive: Any, disconnected: asyncio.Future[None] | None = None) -> None:
        self.receive_next = receive
        self.disconnected = disconnected
        self.buffered: deque[dict[str, Any]] = deque()

    @property
    def is_disconnected(self) -> bool:
        if self.disconnected is not None:
            return self.disconnected.done()
        return bool(self.buffered) and self.buffered[-1]["type"] in {
            "websocket.disconnect",
            "http.disconnect",
        }

    async def wait_for_disconnect(self) -> None:
        if self.disconnected is not None:
            await asyncio.shield(self.disconnected)
        while not self.is_disconnected:
            self.buffered.append(await self.receive_next())

    async def receive(self) -> dict[str, Any]:
        """The `receive` for the application: what was buffered first, then the server's own."""
        return self.buffered.popleft() if self.buffered else await self.receive_next()


class ConcurrencyLimit:
    """A semaphore whose queue is bounded in length and in waiting time."""

    def __init__(self, *, max_concurrent: int, max_queued: int, timeout_seconds: float) -> None:
        self.semaphore = asyncio.Semaphore(max_concurrent)
        self.max_queued, self.queued, self.timeout_seconds = max_queued, 0, timeout_seconds

    def release(self) -> None:
        self.semaphore.release()

    async def acquire(self, client: QueuedClient) -> bool:
        """False when the queue is full, on timeout, or when the client has disconnected: after a network
        failure half of the queue may be dead.
        """
        if not self.semaphore.locked():
            return await self.semaphore.acquire()
        if self.queued >= self.max_queued:
            return False
        self.queued += 1
        acquiring, disconnecting = (
            asyncio.ensure_future(self.semaphore.acquire()),
            asyncio.ensure_future(client.wait_for_disconnect()),
        )
        is_acquired = False
        try:
            await asyncio.wait(
                {acquiring, disconnecting}, timeout=self.timeout_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            is_acquired = acquiring.done() and not disconnecting.done()
        finally:
            self.queued -= 1
            acquiring.cancel()
            disconnecting.cancel()
            # A received message must be in the buffer before the application calls `receive`.
            await asyncio.wait({acquiring, disconnecting})
            if not is_acquired and not acquiring.cancelled():
                self.semaphore.release()
        return is_acquired


class HandshakeLimit(ConcurrencyLimit):
    """ASGI middleware behind the origin check, so that pages of other sites cannot fill the queue."""

    def __init__(
        self,
        application: Any,
        *,
        max_concurrent: int = MAX_CONCURRENT,
        max_queued: int = MAX_QUEUED,
        timeout_seconds: float = QUEUE_TIMEOUT_SECONDS,
    ) -> None:
        super().__init__(
            max_concurrent=max_concurrent, max_queued=max_queued, timeout_seconds=timeout_seconds
        )
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        client = QueuedClient(receive)
        if not await self.acquire(client):
            if not client.is_disconnected:
                # The longer the queue, the longer the time over which clients spread their retries.
                await close_with_retry(client.receive, send, spread_ms=RETRY_MS_PER_QUEUED * self.queued)
            return
        is_held = True

        def release_once() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                self.release()

        async def send_and_release(message: dict[str, Any]) -> None:
            if message["type"] in {"websocket.accept", "websocket.close"}:
                release_once()
            await send(message)

        try:
            await self.application(scope, client.receive, send_and_release)
        finally:
            release_once()
