"""Per-socket back-pressure: bounds on unread inbound frames and unsent outbound bytes.

Knows transports and queues, nothing of what frames carry. The application is notified by events in its own
queue, never through the channel layer.
"""

import asyncio
import select
import time
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from prometheus_client import Counter

from dm_project.server.frame_limits import FrameLimitProtocol

RECEIVE_HIGH_WATER, RECEIVE_LOW_WATER = 64, 16
"""Queued inbound frames: at the first number the socket is no longer read, at the second it is read again."""
SEND_HIGH_WATER_BYTES, SEND_LOW_WATER_BYTES = 1024 * 1024, 256 * 1024
STALLED_SECONDS, ABORT_SECONDS = 15.0, 20.0
CLOSE_TIMEOUT_SECONDS = 10.0
HANGUP = getattr(select, "POLLRDHUP", 0)
"""Systems without it report a broken connection only; the ping timeout finds the others."""

FRAMES_DROPPED = Counter(
    "entre_frames_dropped_total", "Frames dropped because the client was a mebibyte behind in reading."
)


class ReceiveQueue(asyncio.Queue[dict[str, Any]]):
    """The application's inbound queue. While it is full, the socket is not read: TCP slows the client down.

    So a flood stays in the attacker's own memory (docs/threats.md F14). A disconnect overtakes everything
    that is queued: a busy application must not work for a client that has gone.
    """

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.is_reading = True
        self.is_disconnected = False
        self._disconnected: asyncio.Future[None] | None = None

    def disconnected(self) -> asyncio.Future[None]:
        """Done when the connection has ended. One for each application, created on first use, in its loop."""
        if self._disconnected is None or self._disconnected.cancelled():
            self._disconnected = asyncio.get_running_loop().create_future()
            if self.is_disconnected:
                self._disconnected.set_result(None)
        return self._disconnected

    def _put(self, item: dict[str, Any]) -> None:
        if item.get("type") == "websocket.disconnect":
            self._queue.clear()  # type: ignore[attr-defined]
            self.is_disconnected = True
            if self._disconnected is not None and not self._disconnected.done():
                self._disconnected.set_result(None)
        super()._put(item)
        if self.is_reading and self.qsize() >= RECEIVE_HIGH_WATER:
            self.is_reading = False
            self.protocol.transport.pauseProducing()

    def _get(self) -> dict[str, Any]:
        item = super()._get()
        if not self.is_reading and self.qsize() <= RECEIVE_LOW_WATER:
            self.is_reading = True
            self.protocol.transport.resumeProducing()
        return item


class BackpressureProtocol(FrameLimitProtocol):
    """WebSocket protocol with a bounded send buffer.

    Above a mebibyte of unsent bytes, frames are dropped. A client that catches up is told that it missed some
    (`socket.behind`). One that does not is closed (`socket.stalled`), and aborted when the close does not get
    through.
    """

    behind_since: float | None = None
    is_closing = False
    expired_at: float | None = None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        # After our close, input is still read, so that the client's close frame is found, but dropped.
        if self.state == self.STATE_OPEN:
            super().onMessage(payload, isBinary)

    def unsent_bytes(self) -> int:
        """Bytes that the kernel has not accepted yet."""
        transport = self.transport
        return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        if self.behind_since is None and self.unsent_bytes() > SEND_HIGH_WATER_BYTES:
            self.behind_since = time.monotonic()
        if self.behind_since is None or self.is_closing:
            super().serverSend(content, binary)
        else:
            FRAMES_DROPPED.inc()

    def check_timeouts(self) -> None:
        """Called every two seconds."""
        if self.state == self.STATE_CONNECTING and self.duration() > self.server.websocket_connect_timeout:
            self.reject_handshake()
            return
        super().check_timeouts()
        if self.behind_since is not None:
            self.check_send_buffer(time.monotonic() - self.behind_since)
        if self.state == self.STATE_OPEN:
            self.check_lifetime()
            self.check_paused_connection()

    def check_lifetime(self) -> None:
        """Replaces the base's limit, which closes without a reason.

        A busy application gets a bounded time to close.
        """
        max_seconds = self.server.max_socket_seconds
        if max_seconds < 0 or self.duration() <= max_seconds:
            return
        if self.expired_at is None:
            self.expired_at = time.monotonic()
            self.application_queue.put_nowait({"type": "socket.expired"})
        elif time.monotonic() - self.expired_at > CLOSE_TIMEOUT_SECONDS:
            self.serverClose()

    def check_paused_connection(self) -> None:
        """While the socket is not read, Twisted does not notice that the client has closed it.

        The kernel does.
        """
        if self.application_queue.is_reading:
            return
        poller = select.poll()
        poller.register(self.transport.fileno(), HANGUP)
        if poller.poll(0):
            self.transport.abortConnection()

    def check_send_buffer(self, seconds: float) -> None:
        """Decide about a client that has been behind for `seconds`."""
        if seconds > ABORT_SECONDS:
            self.transport.abortConnection()
        elif self.is_closing:
            return
        elif self.unsent_bytes() <= SEND_LOW_WATER_BYTES:
            self.behind_since = None
            self.application_queue.put_nowait({"type": "socket.behind"})
        elif seconds > STALLED_SECONDS:
            self.is_closing = True
            self.application_queue.put_nowait({"type": "socket.stalled"})

    def reject_handshake(self) -> None:
        """The application has not answered in time.

        Not the base's 403, which would say that this client is forbidden.
        """
        if hasattr(self, "handshake_deferred"):
            denial = ConnectionDeny(code=503, reason="Service Unavailable")  # type: ignore[no-untyped-call]
            self.handshake_deferred.errback(denial)
            del self.handshake_deferred
            self.server.protocol_disconnected(self)
