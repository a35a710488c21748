"""Rate limit of frames that the application never sees: pings, pongs, fragments (docs/threats.md T33).

The application counts messages. The protocol itself answers a ping and buffers an empty fragment: without a
limit here, one socket could send a hundred thousand a second for hours.
"""

import asyncio
import time
from typing import Any

from dm_project.security_headers import plain_headers
from dm_project.server.websocket import CoalescingProtocol

FRAMES_BURST, FRAMES_PER_SECOND = 240.0, 40.0
WHOLE_FRAME_COST = 0.125
"""Of a whole message on the slow path: the application counts it too, but only after everything from the same
read."""
EARLY_BYTES = 4_096
"""A client must wait for the reply to its handshake; of what it sends earlier, this much is buffered."""
CLOSE_TIMEOUT_SECONDS = 3.0
MAX_DATA_OPCODE = 7
REASONS = {
    400: "Bad Request",
    403: "Access denied",
    405: "Method Not Allowed",
    426: "Upgrade Required",
    503: "Service Unavailable",
}


class FrameLimitProtocol(CoalescingProtocol):
    """WebSocket protocol with a token bucket for frames.

    Whole texts on the fast path are not counted here; the application does.
    """

    frame_tokens, tokens_at = FRAMES_BURST, 0.0
    application_queue: Any

    def _dataReceived(self, data: bytes) -> None:
        if not hasattr(self, "handshake_deferred"):
            super()._dataReceived(data)
        elif len(self.data) + len(data) > EARLY_BYTES:
            self.transport.abortConnection()
        else:
            # The base would parse it as a second handshake, and start a second application on this
            # connection.
            self.data += data

    def onFrameBegin(self) -> None:
        super().onFrameBegin()
        frame = self.current_frame
        is_whole = frame.fin and 0 < frame.opcode <= MAX_DATA_OPCODE
        self.count(WHOLE_FRAME_COST if is_whole else 1.0)

    def count(self, cost: float) -> None:
        now = time.monotonic()
        if self.tokens_at:
            self.frame_tokens = min(
                FRAMES_BURST, self.frame_tokens + (now - self.tokens_at) * FRAMES_PER_SECOND
            )
        self.tokens_at = now
        self.frame_tokens -= cost
        if self.frame_tokens < 0:
            self.close_flooded()

    def close_flooded(self) -> None:
        """The application sends the reason and closes.

        Further input is read, so that the close gets through, and dropped.
        """
        self.data = b""
        self.dataReceived = self.drop_input  # type: ignore[method-assign]
        if self.state == self.STATE_OPEN:
            self.application_queue.put_nowait({"type": "socket.flooded"})
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_SECONDS, self.abort_if_open)

    def drop_input(self, data: bytes) -> None:
        pass

    def abort_if_open(self) -> None:
        if self.state != self.STATE_CLOSED:
            self.transport.abortConnection()

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        """A rejected handshake gets the headers of every other response, and nothing of what the client sent
        is echoed.
        """
        reason = REASONS.get(code, "Refused")
        headers = [
            *plain_headers(),
            ("Content-Length", "0"),
            ("Connection", "close"),
            *(responseHeaders or []),
        ]
        lines = (f"HTTP/1.1 {code} {reason}", *(f"{name}: {value}" for name, value in headers), "", "")
        self.sendData("\r\n".join(lines).encode())
