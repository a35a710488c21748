"""HTTP request limits: a header timeout, and a request body limit with a timeout that fits the size.

Rejected here, before anything is stored or parsed: Daphne spools a body of any size before Django can refuse
it, and Twisted parses forms on the event loop, in quadratic time, although the result is never used
(docs/threats.md T30).
"""

import asyncio
import re
from io import BytesIO
from typing import Any, BinaryIO

from daphne.http_protocol import WebRequest
from django.conf import settings
from twisted.protocols import basic
from twisted.web import http

from dm_project.refusals import refusal
from dm_project.server.request_head import (
    DROPPED_HEADERS,
    BadTarget,
    HeaderSizes,
    has_bad_content_type,
    origin_form,
)
from dm_project.server.uploads import AuthorizationUnavailable, can_upload

Channel: Any = http.HTTPChannel
HEADER_TIMEOUT_SECONDS = 10.0
BODY_TIMEOUT_SECONDS, MIN_BODY_BYTES_PER_SECOND = 30.0, 32_768
FREE_CHUNKS, MIN_CHUNK_BYTES = 1_000, 64
"""After that many chunks of a body, they must have at least so many bytes on average."""
UPLOAD_RETRY_SECONDS = 5
STALLED_SECONDS = 60.0
"""Longest time in which a client may take nothing of a response that is being sent."""
LINGER_SECONDS = 2.0
"""How long input of a rejected client is still read and dropped: an immediate close would lose our
response."""


class LimitedRequest(WebRequest):  # type: ignore[misc]
    """A request whose body ends at the limit, whatever its headers declare, and is not parsed before
    Django."""

    received = chunks = 0
    body_file: BinaryIO | None = None
    content: Any

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        self.chunks += 1
        if self.received > self.channel.max_body_bytes:
            self.channel.reject(413, "Content Too Large")
        elif self.chunks > FREE_CHUNKS and self.received < self.chunks * MIN_CHUNK_BYTES:
            # Chunks of a byte each: every one costs work, and no real client sends them. The error also ends
            # the decoder's loop.
            self.channel.reject(400, "Bad Request")
            raise http._MalformedChunkedDataError("chunks too small")
        else:
            try:
                super().handleContentChunk(data)
            except OSError:
                self.refuse_for_storage()

    def refuse_for_storage(self) -> None:
        """A body is kept in a temporary file until it has arrived, and its disk is full."""
        self.channel.reject(503, "Service Unavailable", retry_after=UPLOAD_RETRY_SECONDS, code="storage_full")

    def parseCookies(self) -> None:
        """Django parses cookies itself; the base's copy is never used."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Replaces the base's, which parses query and form although neither is used.

        Its multipart parser takes quadratic time for an unclosed quote: one 128 KiB form blocked the process
        for ten seconds.
        """
        try:
            self.content.seek(0)
        except OSError:
            self.refuse_for_storage()
            return
        self.args: dict[bytes, list[bytes]] = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()

    def process(self) -> Any:
        for name in DROPPED_HEADERS:
            self.requestHeaders.removeHeader(name)
        if self.channel.is_websocket(self):
            self.make_headers_ascii()
        elif not isinstance(self.content, BytesIO):
            # A large one: dm_project.server.bodies.
            self.body_file, self.content = self.content, BytesIO()
        if self.server.is_draining:
            # A proxy with keep-alive connections must switch to another process now.
            self.channel.persistent = False
            self.setHeader(b"connection", b"close")
        return super().process()

    def make_headers_ascii(self) -> None:
        """The WebSocket library decodes UTF-8 and Daphne encodes Latin 1: other characters end in a
        traceback.

        Replaced rather than rejected: the cookie of another program on this host must not keep a user out.
        """
        for name, values in list(self.requestHeaders.getAllRawHeaders()):
            if not all(value.isascii() for value in values):
                ascii_values = [
                    value.decode("ascii", "replace").encode("ascii", "replace") for value in values
                ]
                self.requestHeaders.setRawHeaders(name, ascii_values)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Daphne's own rejections, with the headers of every other response.

        Closes: what follows a bad request may belong to it.
        """
        if self.finished or self.channel is None:
            return
        if self._response_started:
            # Part of a response is already sent; a second status line would be read as its continuation.
            self.channel.abort()
            return
        self.channel.persistent = False
        headers, content = refusal(status, status_text.decode(), path=self.channel.request_path)
        raw = [(name.encode(), value.encode()) for name, value in [*headers, ("Connection", "close")]]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": raw})
        self.handle_reply({"type": "http.response.body", "body": content})


class LimitedChannel(Channel):  # type: ignore[misc]
    """An HTTP/1.1 connection whose deadlines a trickle of bytes cannot extend (slowloris, docs/threats.md
    T33).

    The base limits the headers to 16 KiB and 500 lines.
    """

    deadline: Any = None
    is_closing = False
    max_body_bytes = 0
    _path: bytes = b""

    @property
    def request_path(self) -> str:
        """Of the request that is being read; empty until its first line has arrived."""
        try:
            path, _host = origin_form(bytes(self._path))
        except BadTarget:
            return ""
        return path.decode("ascii", "replace")

    def __init__(self) -> None:
        super().__init__()
        self.sizes = HeaderSizes()
        self.waiting_senders: list[asyncio.Future[None]] = []

    def connectionMade(self) -> None:
        # Set here, because Daphne's factory sets its own just before.
        self.requestFactory = LimitedRequest
        super().connectionMade()
        self.set_deadline(HEADER_TIMEOUT_SECONDS)

    def dataReceived(self, data: bytes) -> None:
        if self.is_closing:
            return
        if self.deadline is None and not self._handlingRequest:
            # The next request on a keep-alive connection.
            self.set_deadline(HEADER_TIMEOUT_SECONDS)
        super().dataReceived(data)

    # The head

    def lineReceived(self, line: bytes) -> None:
        if self.is_closing:
            return
        if line[:1] in {b" ", b"\t"}:
            # A folded header: obsolete (RFC 9112, 5.2), and each line is copied with all lines before it.
            self.reject(400, "Bad Request")
            return
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.reject(431, "Request Header Fields Too Large")

    def headerReceived(self, line: bytes) -> bool:
        if self.is_closing:
            return False
        if not self.sizes.fits(line):
            self.reject(431, "Request Header Fields Too Large")
            return False
        if has_bad_content_type(line):
            self.reject(400, "Bad Request")
            return False
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        if self.is_closing:
            return
        self.clear_deadline()
        self.sizes = HeaderSizes()
        request = self.requests[-1]
        try:
            self._path, host = origin_form(self._path)
        except BadTarget:
            self.reject(400, "Bad Request")
            return
        if host is not None:
            request.requestHeaders.setRawHeaders(b"host", [host])
        if self.is_websocket(request) and (self._command != b"GET" or self.length != 0):
            # Its body would be passed to the WebSocket as frames.
            self.reject(400, "Bad Request")
            return
        self.max_body_bytes = self.body_limit()
        if (self.length or 0) > self.max_body_bytes:
            self.reject(413, "Content Too Large")
        elif (self.length or 0) > settings.BODY_BYTES:
            self.authorize_upload(request)
        else:
            self.accept_body()

    def accept_body(self) -> None:
        super().allHeadersReceived()
        if self.length != 0:
            max_bytes = settings.BODY_BYTES if self.length is None else self.length
            self.set_deadline(BODY_TIMEOUT_SECONDS + max_bytes / MIN_BODY_BYTES_PER_SECOND)

    @staticmethod
    def is_websocket(request: Any) -> bool:
        upgrade = request.requestHeaders.getRawHeaders(b"upgrade")
        return bool(upgrade) and upgrade[0].lower() == b"websocket"

    def body_limit(self) -> int:
        """Uploads may be larger if their length is declared: no client should send for a minute and be
        rejected at the end.
        """
        if self.length is None:
            return int(settings.BODY_BYTES)
        path = bytes(self._path).decode("ascii", "replace")
        limits = (most for pattern, most in settings.UPLOAD_BYTES.items() if re.fullmatch(pattern, path))
        return max(settings.BODY_BYTES, *limits, 0)

    # Uploads: only logged-in users may send that much, so the body is not read before the session is checked

    def authorize_upload(self, request: Any) -> None:
        self.paused = True
        self._networkProducer.pauseProducing()
        self.set_deadline(HEADER_TIMEOUT_SECONDS)
        self.authorizing = asyncio.ensure_future(
            self.decide_upload(request.requestHeaders.getRawHeaders(b"cookie") or [])
        )

    async def decide_upload(self, cookies: list[bytes]) -> None:
        try:
            is_allowed = await can_upload(b"; ".join(cookies).decode("latin-1"))
        except AuthorizationUnavailable:
            self.reject(503, "Service Unavailable", retry_after=UPLOAD_RETRY_SECONDS)
        else:
            if not is_allowed:
                self.reject(403, "Forbidden")
            elif not self.is_closing:
                self.clear_deadline()
                self.accept_body()
        self.paused = False
        self._networkProducer.resumeProducing()
        # Process what is already buffered.
        basic.LineReceiver.dataReceived(self, b"")  # type: ignore[no-untyped-call]

    def rawDataReceived(self, data: bytes) -> None:
        if not self.is_closing:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        if not self.is_closing:
            self.clear_deadline()
            super().allContentReceived()

    def connectionLost(self, reason: Any) -> None:
        self.is_closing = True
        self.clear_deadline()
        self.let_senders_continue()
        super().connectionLost(reason)

    # Responses: one that is longer than the buffer waits for the client (a download of 100 MB)

    async def drained(self) -> None:
        """Return when the transport takes more bytes: the system holds what was written so far, or the
        connection has ended. A client that takes nothing for STALLED_SECONDS is disconnected.
        """
        while self._waitingForTransport and not self.is_closing:
            waiting = asyncio.get_running_loop().create_future()
            self.waiting_senders.append(waiting)
            done, _ = await asyncio.wait([waiting], timeout=STALLED_SECONDS)
            if not done:
                self.abort()
                return

    def let_senders_continue(self) -> None:
        for waiting in self.waiting_senders:
            if not waiting.done():
                waiting.set_result(None)
        self.waiting_senders.clear()

    def resumeProducing(self) -> None:
        super().resumeProducing()
        self.let_senders_continue()
        if self.paused:
            # The response to an earlier request was written; the body that awaits authorization must still
            # not be read.
            self._networkProducer.pauseProducing()

    # Deadlines and rejections

    def set_deadline(self, seconds: float) -> None:
        self.clear_deadline()
        self.deadline = self.callLater(seconds, self.abort)

    def clear_deadline(self) -> None:
        if self.deadline is not None:
            if self.deadline.active():
                self.deadline.cancel()
            self.deadline = None

    def abort(self) -> None:
        self.deadline = None
        self.transport.abortConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Replaces the base's response, which is a bare status line."""
        self.reject(400, "Bad Request")

    def reject(self, status: int, reason: str, *, retry_after: int = 0, code: str = "") -> None:
        """Respond now, whatever input is still to come, and close."""
        if self.is_closing:
            return
        self.is_closing = True
        self.setTimeout(None)
        # Buffered input is not parsed any more.
        self.clearLineBuffer()
        headers, content = refusal(
            status, reason, path=self.request_path, retry_after_s=retry_after, code=code
        )
        headers += [("Content-Length", str(len(content))), ("Connection", "close")]
        lines = (f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", "")
        self.transport.write("\r\n".join(lines).encode() + content)
        self.transport.loseWriteConnection()
        self.set_deadline(LINGER_SECONDS)
