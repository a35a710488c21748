"""What one socket may pile up in this process: frames it has sent and nobody has taken, bytes sent to it that it does not read.

Knows transports and queues, nothing of what is said. The application is told by events of its own queue, never by the layer.
"""

import asyncio
import select
import time
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from prometheus_client import Counter

from dm_project.server.frame_limits import CountedProtocol

INBOX_FULL, INBOX_LOW = 64, 16
"""Frames that wait for the application: at the first number its socket is no longer read, at the second it is again."""
UNSENT_BYTES, CAUGHT_UP_BYTES = 1024 * 1024, 256 * 1024
STALLED_SECONDS, ABORT_SECONDS = 15.0, 20.0
GOODBYE_SECONDS = 10.0
HANGUP = getattr(select, "POLLRDHUP", 0)
"""Systems without it tell of a cut line only; the ping finds the others."""

DROPPED = Counter("entre_frames_dropped_total", "Frames not sent because their reader was a mebibyte behind.")


class Inbox(asyncio.Queue[dict[str, Any]]):
    """The application's queue. When it is full TCP holds the sender back, so a flood stays in the flooder's own memory (safety.md F14).

    The end of the line overtakes everything that waits: a busy application must not work for a client that has gone.
    """

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.is_reading = True
        self.is_ended = False
        self.ending: asyncio.Future[None] | None = None

    def ended(self) -> asyncio.Future[None]:
        """Done when the line has ended. One for each application; made when it is asked for, in its loop."""
        if self.ending is None or self.ending.cancelled():
            self.ending = asyncio.get_running_loop().create_future()
            if self.is_ended:
                self.ending.set_result(None)
        return self.ending

    def _put(self, item: dict[str, Any]) -> None:
        if item.get("type") == "websocket.disconnect":
            self._queue.clear()  # type: ignore[attr-defined]
            self.is_ended = True
            if self.ending is not None and not self.ending.done():
                self.ending.set_result(None)
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


class BoundedProtocol(CountedProtocol):
    """As its base, with an end to what it keeps for a reader that stalls.

    Above a mebibyte unsent, frames are dropped. A reader that comes back is told what it missed (`socket.behind`); one that does not is
    ended (`socket.stalled`), and cut off when even that does not get through.
    """

    behind_since: float | None = None
    is_ending = False
    expired_at: float | None = None

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
        if self.state == self.STATE_OPEN:
            self.look_at_age()
            self.look_at_paused_line()

    def look_at_age(self) -> None:
        """Instead of the base's own end, which closes without a word. An application that does not come to it is not waited for."""
        longest = self.server.longest_socket_seconds
        if longest < 0 or self.duration() <= longest:
            return
        if self.expired_at is None:
            self.expired_at = time.monotonic()
            self.application_queue.put_nowait({"type": "socket.expired"})
        elif time.monotonic() - self.expired_at > GOODBYE_SECONDS:
            self.serverClose()

    def look_at_paused_line(self) -> None:
        """While its frames are not read, nobody hears that the other side has ended; the kernel knows."""
        if self.application_queue.is_reading:
            return
        line = select.poll()
        line.register(self.transport.fileno(), HANGUP)
        if line.poll(0):
            self.transport.abortConnection()

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
