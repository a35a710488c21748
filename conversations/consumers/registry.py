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
TELL_SECONDS = 1.0


class Afloat(Protocol):
    """An open socket."""

    async def say_goodbye(self, code: CloseCode, *, retry_after_ms: int = 0) -> None:
        """Say why, then close."""


class Fleet:
    """All that were accepted and have not gone. Lives on one loop."""

    def __init__(self) -> None:
        self.sockets: set[Afloat] = set()
        self.is_leaving = False

    async def join(self, socket: Afloat) -> bool:
        """False when the process is ending: the socket has been told, and there is nothing more to do for it."""
        self.sockets.add(socket)
        if self.is_leaving:
            await socket.say_goodbye(CloseCode.RESTARTING, retry_after_ms=self.retry_after_ms())
        return not self.is_leaving

    def leave(self, socket: Afloat) -> None:
        self.sockets.discard(socket)

    async def dismiss(self) -> None:
        """Everybody at once and within a second, however one of them hangs; from now on nobody may stay."""
        self.is_leaving = True
        goodbyes = [
            asyncio.ensure_future(
                socket.say_goodbye(CloseCode.RESTARTING, retry_after_ms=self.retry_after_ms())
            )
            for socket in tuple(self.sockets)
        ]
        if goodbyes:
            await asyncio.wait([asyncio.gather(*goodbyes, return_exceptions=True)], timeout=TELL_SECONDS)

    def retry_after_ms(self) -> int:
        """Spread out, or the next process would meet all of them in one instant: five milliseconds for each, ten seconds at most."""
        last = min(RETRY_LAST_MS, RETRY_FIRST_MS + RETRY_MS_A_SOCKET * len(self.sockets))
        return random.randint(RETRY_FIRST_MS, last)  # noqa: S311


fleet = Fleet()
SOCKETS = Gauge("entre_sockets", "Sockets that are open in this process.")
SOCKETS.set_function(lambda: len(fleet.sockets))
