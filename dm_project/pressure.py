"""What one socket may pile up in this process: frames it has sent and nobody has taken, bytes sent to it that it does not read.

Knows transports and queues, nothing of what is said. The application is told by events of its own queue, never by the layer.
"""

import asyncio
import time
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from prometheus_client import Counter

from dm_project.wire import FrugalProtocol

INBOX_FULL, INBOX_LOW = 64, 16
"""Frames that wait for the application: at the first number its socket is no longer read, at the second it is again."""
UNSENT_BYTES, CAUGHT_UP_BYTES = 1024 * 1024, 256 * 1024
STALLED_SECONDS, ABORT_SECONDS = 15.0, 20.0

DROPPED = Counter("entre_frames_dropped_total", "Frames not sent because their reader was a mebibyte behind.")


class Inbox(asyncio.Queue[dict[str, Any]]):
    """The application's queue. When it is full TCP holds the sender back, so a flood stays in the flooder's own memory (safety.md F14)."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.is_reading = True

    def _put(self, item: dict[str, Any]) -> None:
        super()._put(item)
        if self.is_reading and self.qsize() >= INBOX_FULL:
            self.is_reading = False
            self.protocol.transport.pauseProducing()

    def _get(self) -> dict[str, Any]:
        item = super()._get()
        if not self.is_reading and self.qsize() <= INBOX_LOW:
            self.is_reading = True
            self.protocol.transport.resumeProducing()
        return item


class BoundedProtocol(FrugalProtocol):
    """As its base, with an end to what it keeps for a reader that stalls.

    Above a mebibyte unsent, frames are dropped. A reader that comes back is told what it missed (`socket.behind`); one that does not is
    ended (`socket.stalled`), and cut off when even that does not get through.
    """

    behind_since: float | None = None
    is_ending = False

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        # What a flooder still says after its goodbye is read, so that its own close is found, and thrown away.
        if self.state == self.STATE_OPEN:
            super().onMessage(payload, isBinary)

    def backlog(self) -> int:
        """Bytes the kernel has not taken."""
        transport = self.transport
        return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        if self.behind_since is None and self.backlog() > UNSENT_BYTES:
            self.behind_since = time.monotonic()
        if self.behind_since is None or self.is_ending:
            super().serverSend(content, binary)
        else:
            DROPPED.inc()

    def check_timeouts(self) -> None:
        """Every two seconds."""
        if self.state == self.STATE_CONNECTING and self.duration() > self.server.websocket_connect_timeout:
            self.turn_away()
            return
        super().check_timeouts()
        if self.behind_since is not None:
            self.judge(time.monotonic() - self.behind_since)

    def judge(self, seconds: float) -> None:
        """What becomes of a reader that has been behind for so long."""
        if seconds > ABORT_SECONDS:
            self.transport.abortConnection()
        elif self.is_ending:
            return
        elif self.backlog() <= CAUGHT_UP_BYTES:
            self.behind_since = None
            self.application_queue.put_nowait({"type": "socket.behind"})
        elif seconds > STALLED_SECONDS:
            self.is_ending = True
            self.application_queue.put_nowait({"type": "socket.stalled"})

    def turn_away(self) -> None:
        """Nobody has answered this handshake. Not the base's 403, which would say that this visitor may not come in."""
        if hasattr(self, "handshake_deferred"):
            denial = ConnectionDeny(code=503, reason="Service Unavailable")  # type: ignore[no-untyped-call]
            self.handshake_deferred.errback(denial)
            del self.handshake_deferred
            self.server.protocol_disconnected(self)
