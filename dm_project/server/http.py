"""What one HTTP connection may take: headers within seconds, a body of bounded size within a time that fits it.

Answered here, before anything is kept or parsed: Daphne spools a body of any size and reads it whole before Django can refuse it, and
Twisted parses forms on the event loop, by the square of their length, for nobody (safety.md T30).
"""

import asyncio
from typing import Any

from daphne.http_protocol import WebRequest
from django.conf import settings
from twisted.protocols import basic
from twisted.web import http

from dm_project.refusals import refusal
from dm_project.server.request_head import UNREAD, BadTarget, HeaderSizes, has_bad_content_type, origin_form
from dm_project.server.uploads import Unknown, may_upload

Channel: Any = http.HTTPChannel
HEADER_SECONDS = 10.0
BODY_SECONDS, BODY_BYTES_A_SECOND = 30.0, 32_768
PIECES, PIECE_BYTES = 1_000, 64
"""After so many pieces of a body they must have so many bytes on average."""
UPLOAD_RETRY_SECONDS = 5
LINGER_SECONDS = 2.0
"""So long what a refused client still sends is read and thrown away: closing at once would take our answer from it."""


class GuardedRequest(WebRequest):  # type: ignore[misc]
    """A request whose body ends at the limit, whatever its headers said, and is interpreted by nobody before Django."""

    received = pieces = 0

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        self.pieces += 1
        if self.received > self.channel.most_bytes:
            self.channel.refuse(413, "Content Too Large")
        elif self.pieces > PIECES and self.received < self.pieces * PIECE_BYTES:
            # Chunks of a byte each: every one is work, and no client makes them. The error ends the decoder's own loop, too.
            self.channel.refuse(400, "Bad Request")
            raise http._MalformedChunkedDataError("chunks too small")
        else:
            super().handleContentChunk(data)

    def parseCookies(self) -> None:
        """Django reads them; the base's copy is read by nobody."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """In place of the base's, which parses query and form, and throws both away.

        Its multipart parser takes the square of an unclosed quote's length: one 128 KiB form stopped everybody for ten seconds.
        """
        self.content.seek(0)
        self.args: dict[bytes, list[bytes]] = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()

    def process(self) -> Any:
        for name in UNREAD:
            self.requestHeaders.removeHeader(name)
        if self.channel.is_websocket(self):
            self.make_headers_ascii()
        if self.server.is_draining:
            # A proxy that keeps connections must look for another process now.
            self.channel.persistent = False
            self.setHeader(b"connection", b"close")
        return super().process()

    def make_headers_ascii(self) -> None:
        """The WebSocket library decodes UTF-8, Daphne encodes Latin 1 again: a value with anything else is a traceback, not an answer.

        Replaced rather than refused: the cookie of another program on this host must not keep anybody out.
        """
        for name, values in list(self.requestHeaders.getAllRawHeaders()):
            if not all(value.isascii() for value in values):
                ascii_values = [
                    value.decode("ascii", "replace").encode("ascii", "replace") for value in values
                ]
                self.requestHeaders.setRawHeaders(name, ascii_values)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Daphne's own refusals, with the headers of every other answer. The connection ends: what follows a bad request may be part of it."""
        if self.finished or self.channel is None:
            return
        if self._response_started:
            # Half an answer is on its way; a second status line would be read as part of it.
            self.channel.give_up()
            return
        self.channel.persistent = False
        headers, content = refusal(status, status_text.decode(), path=self.channel.path_so_far)
        raw = [(name.encode(), value.encode()) for name, value in [*headers, ("Connection", "close")]]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": raw})
        self.handle_reply({"type": "http.response.body", "body": content})


class GuardedChannel(Channel):  # type: ignore[misc]
    """An HTTP/1.1 connection with deadlines that no trickle of bytes can move (slow loris, safety.md T33).

    The base bounds the headers: 16 KiB and 500 lines.
    """

    deadline: Any = None
    is_shut = False
    most_bytes = 0
    _path: bytes = b""

    @property
    def path_so_far(self) -> str:
        """Of the request that is being read, or empty where its first line has not come."""
        try:
            path, _host = origin_form(bytes(self._path))
        except BadTarget:
            return ""
        return path.decode("ascii", "replace")

    def __init__(self) -> None:
        super().__init__()
        self.sizes = HeaderSizes()

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

    # The head

    def lineReceived(self, line: bytes) -> None:
        if self.is_shut:
            return
        if line[:1] in {b" ", b"\t"}:
            # A header folded over several lines: obsolete, and each line is copied to all before it (RFC 9112, 5.2).
            self.refuse(400, "Bad Request")
            return
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(431, "Request Header Fields Too Large")

    def headerReceived(self, line: bytes) -> bool:
        if self.is_shut:
            return False
        if not self.sizes.fits(line):
            self.refuse(431, "Request Header Fields Too Large")
            return False
        if has_bad_content_type(line):
            self.refuse(400, "Bad Request")
            return False
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        if self.is_shut:
            return
        self.relax()
        self.sizes = HeaderSizes()
        request = self.requests[-1]
        try:
            self._path, host = origin_form(self._path)
        except BadTarget:
            self.refuse(400, "Bad Request")
            return
        if host is not None:
            request.requestHeaders.setRawHeaders(b"host", [host])
        if self.is_websocket(request) and (self._command != b"GET" or self.length != 0):
            # Its body would be handed to the WebSocket as frames.
            self.refuse(400, "Bad Request")
            return
        self.most_bytes = self.body_bytes()
        if (self.length or 0) > self.most_bytes:
            self.refuse(413, "Content Too Large")
        elif (self.length or 0) > settings.BODY_BYTES:
            self.ask_for_upload(request)
        else:
            self.take_body()

    def take_body(self) -> None:
        super().allHeadersReceived()
        if self.length != 0:
            most = settings.BODY_BYTES if self.length is None else self.length
            self.expect_within(BODY_SECONDS + most / BODY_BYTES_A_SECOND)

    @staticmethod
    def is_websocket(request: Any) -> bool:
        upgrade = request.requestHeaders.getRawHeaders(b"upgrade")
        return bool(upgrade) and upgrade[0].lower() == b"websocket"

    def body_bytes(self) -> int:
        """Uploads may be larger, if they say beforehand how large: nobody sends for a minute to be refused at the end."""
        if self.length is None:
            return int(settings.BODY_BYTES)
        path = bytes(self._path).decode("ascii", "replace")
        return max(settings.BODY_BYTES, settings.UPLOAD_BYTES.get(path, 0))

    # Uploads: only people who are signed in may send that much, so nothing is read before that is known

    def ask_for_upload(self, request: Any) -> None:
        self.paused = True
        self._networkProducer.pauseProducing()
        self.expect_within(HEADER_SECONDS)
        self.asking = asyncio.ensure_future(
            self.judge_upload(request.requestHeaders.getRawHeaders(b"cookie") or [])
        )

    async def judge_upload(self, cookies: list[bytes]) -> None:
        try:
            is_allowed = await may_upload(b"; ".join(cookies).decode("latin-1"))
        except Unknown:
            self.refuse(503, "Service Unavailable", retry_after=UPLOAD_RETRY_SECONDS)
        else:
            if not is_allowed:
                self.refuse(403, "Forbidden")
            elif not self.is_shut:
                self.relax()
                self.take_body()
        self.paused = False
        self._networkProducer.resumeProducing()
        # What had come already.
        basic.LineReceiver.dataReceived(self, b"")  # type: ignore[no-untyped-call]

    def rawDataReceived(self, data: bytes) -> None:
        if not self.is_shut:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        if not self.is_shut:
            self.relax()
            super().allContentReceived()

    def connectionLost(self, reason: Any) -> None:
        self.is_shut = True
        self.relax()
        super().connectionLost(reason)

    def resumeProducing(self) -> None:
        super().resumeProducing()
        if self.paused:
            # An answer before this one has been written out; of the body that waits, nothing is read yet.
            self._networkProducer.pauseProducing()

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

    def _respondToBadRequestAndDisconnect(self) -> None:
        """As the base's, whose answer is a bare status line."""
        self.refuse(400, "Bad Request")

    def refuse(self, status: int, reason: str, *, retry_after: int = 0) -> None:
        """Answer now, whatever is still to come, and close."""
        if self.is_shut:
            return
        self.is_shut = True
        self.setTimeout(None)
        # Nothing of what has come is looked at any more, line by line least of all.
        self.clearLineBuffer()
        headers, content = refusal(status, reason, path=self.path_so_far, retry_after_s=retry_after)
        headers += [("Content-Length", str(len(content))), ("Connection", "close")]
        lines = (f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", "")
        self.transport.write("\r\n".join(lines).encode() + content)
        self.transport.loseWriteConnection()
        self.expect_within(LINGER_SECONDS)
