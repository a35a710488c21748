"""Counts the WebSocket frames that no application sees: pings, pongs, and the pieces that a message is cut into (safety.md T33).

An application counts messages. A ping, or a fragment of nothing, is answered or kept by the protocol itself: without a count here, one
socket could send a hundred thousand a second for hours.
"""

import asyncio
import time
from typing import Any

from dm_project.security_headers import plain_headers
from dm_project.server.websocket import FrugalProtocol

FRAMES_BURST, FRAMES_A_SECOND = 240.0, 40.0
WHOLE_FRAME = 0.125
"""What a whole message costs that came by the slow way: the application counts it, too, but only after all that came in one read."""
EARLY_BYTES = 4_096
"""A client must wait for the answer to its handshake; so much of what one says too early is kept."""
GOODBYE_SECONDS = 3.0
LARGEST_DATA_OPCODE = 7
REASONS = {
    400: "Bad Request",
    403: "Access denied",
    405: "Method Not Allowed",
    426: "Upgrade Required",
    503: "Service Unavailable",
}


class CountedProtocol(FrugalProtocol):
    """As its base. Whole texts that come by the base's fast way pass uncounted; the application counts those."""

    frame_tokens, tokens_at = FRAMES_BURST, 0.0
    application_queue: Any

    def _dataReceived(self, data: bytes) -> None:
        if not hasattr(self, "handshake_deferred"):
            super()._dataReceived(data)
        elif len(self.data) + len(data) > EARLY_BYTES:
            self.transport.abortConnection()
        else:
            # The base would look for a second handshake in it, and start a second application on this line.
            self.data += data

    def onFrameBegin(self) -> None:
        super().onFrameBegin()
        frame = self.current_frame
        is_whole = frame.fin and 0 < frame.opcode <= LARGEST_DATA_OPCODE
        self.count(WHOLE_FRAME if is_whole else 1.0)

    def count(self, cost: float) -> None:
        now = time.monotonic()
        if self.tokens_at:
            self.frame_tokens = min(
                FRAMES_BURST, self.frame_tokens + (now - self.tokens_at) * FRAMES_A_SECOND
            )
        self.tokens_at = now
        self.frame_tokens -= cost
        if self.frame_tokens < 0:
            self.end_flood()

    def end_flood(self) -> None:
        """The application says why and closes. What still comes is read, so that the goodbye gets through, and thrown away."""
        self.data = b""
        self.dataReceived = self.ignore  # type: ignore[method-assign]
        if self.state == self.STATE_OPEN:
            self.application_queue.put_nowait({"type": "socket.flooded"})
        asyncio.get_running_loop().call_later(GOODBYE_SECONDS, self.cut)

    def ignore(self, data: bytes) -> None:
        pass

    def cut(self) -> None:
        if self.state != self.STATE_CLOSED:
            self.transport.abortConnection()

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        """A handshake that is refused: with the headers of every other answer, and without the client's own words in it."""
        reason = REASONS.get(code, "Refused")
        headers = [
            *plain_headers(),
            ("Content-Length", "0"),
            ("Connection", "close"),
            *(responseHeaders or []),
        ]
        lines = (f"HTTP/1.1 {code} {reason}", *(f"{name}: {value}" for name, value in headers), "", "")
        self.sendData("\r\n".join(lines).encode())
