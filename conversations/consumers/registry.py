"""The sockets that are open in this process, and how all of them are told that it ends.

Without the layer: it may be what is broken, and it would tell other processes' sockets too.
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
    """An open socket."""

    async def close_with_reason(self, code: CloseCode, *, retry_after_ms: int = 0) -> None:
        """Say why, then close."""


class ConnectionRegistry:
    """All that were accepted and have not gone. Lives on one loop."""

    def __init__(self) -> None:
        self.sockets: set[OpenConnection] = set()
        self.is_shutting_down = False

    async def join(self, socket: OpenConnection) -> bool:
        """False when the process is ending: the socket has been told, and there is nothing more to do for it."""
        self.sockets.add(socket)
        if self.is_shutting_down:
            await socket.close_with_reason(CloseCode.RESTARTING, retry_after_ms=self.retry_after_ms())
        return not self.is_shutting_down

    def leave(self, socket: OpenConnection) -> None:
        self.sockets.discard(socket)

    async def close_all(self) -> None:
        """Everybody at once and within a second, however one of them hangs; from now on nobody may stay."""
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
        """Spread out, or the next process would meet all of them in one instant: five milliseconds for each, ten seconds at most."""
        last = min(RETRY_LAST_MS, RETRY_FIRST_MS + RETRY_MS_A_SOCKET * len(self.sockets))
        return random.randint(RETRY_FIRST_MS, last)  # noqa: S311


connection_registry = ConnectionRegistry()
SOCKETS = Gauge("entre_sockets", "Sockets that are open in this process.")
SOCKETS.set_function(lambda: len(connection_registry.sockets))
