"""What one HTTP connection may take: headers within seconds, a body of bounded size within a time that fits it.

Answered here, before anything is kept: Daphne spools a body of any size and reads it whole before Django can refuse it (safety.md T30).
"""

from typing import Any

from daphne.http_protocol import WebRequest
from django.conf import settings
from twisted.web import http

Channel: Any = http.HTTPChannel
HEADER_SECONDS = 10.0
BODY_SECONDS, BODY_BYTES_A_SECOND = 30.0, 32_768
LINGER_SECONDS = 2.0
"""So long what a refused client still sends is read and thrown away: closing at once would take our answer from it."""


class GuardedRequest(WebRequest):  # type: ignore[misc]
    """A request whose body ends at the limit, whatever its headers said."""

    received = 0

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.received > self.channel.most_bytes:
            self.channel.refuse(413, "Content Too Large")
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        if self.server.is_draining:
            # A proxy that keeps connections must look for another process now.
            self.channel.persistent = False
            self.setHeader(b"connection", b"close")
        return super().process()


class GuardedChannel(Channel):  # type: ignore[misc]
    """An HTTP/1.1 connection with deadlines that no trickle of bytes can move (slow loris, safety.md T33).

    The base bounds the headers: 16 KiB and 500 lines.
    """

    deadline: Any = None
    is_shut = False
    most_bytes = 0

    def connectionMade(self) -> None:
        # Here, because Daphne's factory names its own just before.
        self.requestFactory = GuardedRequest
        super().connectionMade()
        self.expect_within(HEADER_SECONDS)

    def dataReceived(self, data: bytes) -> None:
        if self.is_shut:
            return
        if self.deadline is None and not self._handlingRequest:
            # The next request on a connection that was kept.
            self.expect_within(HEADER_SECONDS)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        self.relax()
        self.most_bytes = self.body_bytes()
        if (self.length or 0) > self.most_bytes:
            self.refuse(413, "Content Too Large")
            return
        super().allHeadersReceived()
        if self.length != 0:
            most = settings.BODY_BYTES if self.length is None else self.length
            self.expect_within(BODY_SECONDS + most / BODY_BYTES_A_SECOND)

    def body_bytes(self) -> int:
        """Uploads may be larger, if they say beforehand how large: nobody sends for a minute to be refused at the end."""
        if self.length is None:
            return int(settings.BODY_BYTES)
        path = bytes(self._path or b"").decode("ascii", "replace")
        return max(settings.BODY_BYTES, settings.UPLOAD_BYTES.get(path, 0))

    def rawDataReceived(self, data: bytes) -> None:
        if not self.is_shut:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        if not self.is_shut:
            self.relax()
            super().allContentReceived()

    def connectionLost(self, reason: Any) -> None:
        self.relax()
        super().connectionLost(reason)

    # Deadlines and refusals

    def expect_within(self, seconds: float) -> None:
        self.relax()
        self.deadline = self.callLater(seconds, self.give_up)

    def relax(self) -> None:
        if self.deadline is not None:
            if self.deadline.active():
                self.deadline.cancel()
            self.deadline = None

    def give_up(self) -> None:
        self.deadline = None
        self.transport.abortConnection()

    def refuse(self, status: int, reason: str) -> None:
        """Answer now, whatever is still to come, and close."""
        if self.is_shut:
            return
        self.is_shut = True
        self.setTimeout(None)
        lines = (
            f"HTTP/1.1 {status} {reason}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(reason)}",
            "Connection: close",
            "",
            reason,
        )
        self.transport.write("\r\n".join(lines).encode())
        self.transport.loseWriteConnection()
        self.expect_within(LINGER_SECONDS)
