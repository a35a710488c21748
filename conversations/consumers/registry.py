"""Connection registry: the open connections of this process, and how the shutdown closes them.

Without the channel layer: it may be what is broken, and it would reach the sockets of other processes too.
"""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

from prometheus_client import Gauge

from conversations.protocol.codes import CloseCode

RETRY_FIRST_MS, RETRY_LAST_MS, RETRY_MS_A_SOCKET = 500, 10_000, 5
CLOSE_SECONDS = 1.0


class OpenConnection(Protocol):
    async def close_with_reason(self, code: CloseCode, *, retry_after_ms: int = 0) -> None:
        """Send `bye` with the reason, then close."""


class ConnectionRegistry:
    """Connections that were accepted and have not ended. Lives on one loop."""

    def __init__(self) -> None:
        self.sockets: set[OpenConnection] = set()
        self.is_shutting_down = False

    async def join(self, socket: OpenConnection) -> bool:
        """False when the process is shutting down; the connection is closed then, and needs nothing more."""
        self.sockets.add(socket)
        if self.is_shutting_down:
            await socket.close_with_reason(CloseCode.RESTARTING, retry_after_ms=self.retry_after_ms())
        return not self.is_shutting_down

    def leave(self, socket: OpenConnection) -> None:
        self.sockets.discard(socket)

    async def close_all(self) -> None:
        """Close all connections at once, within a second even if one of them hangs.

        Later ones are closed as they join.
        """
        self.is_shutting_down = True
        closing = [
            asyncio.ensure_future(
                socket.close_with_reason(CloseCode.RESTARTING, retry_after_ms=self.retry_after_ms())
            )
            for socket in tuple(self.sockets)
        ]
        if closing:
            await asyncio.wait([asyncio.gather(*closing, return_exceptions=True)], timeout=CLOSE_SECONDS)

    def retry_after_ms(self) -> int:
        """A random delay: five milliseconds per socket, at most ten seconds.

        Without it all clients would reconnect in one instant.
        """
        last = min(RETRY_LAST_MS, RETRY_FIRST_MS + RETRY_MS_A_SOCKET * len(self.sockets))
        return random.randint(RETRY_FIRST_MS, last)  # noqa: S311


connection_registry = ConnectionRegistry()
SOCKETS = Gauge("entre_sockets", "Sockets that are open in this process.")
SOCKETS.set_function(lambda: len(connection_registry.sockets))
