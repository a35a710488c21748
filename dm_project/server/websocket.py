"""Daphne's WebSocket protocol, made to spend less: what one turn of the loop has for a socket leaves in one system call.

Changes nothing of what is said on the wire. Knows frames and transports, nothing of what they carry.
"""

import asyncio
import struct
from typing import Any

from daphne.ws_protocol import WebSocketProtocol

TEXT_FRAME = 0x81
"""First byte of a whole text message (RFC 6455, 5.2)."""


def keep_plain_send(application: Any) -> Any:
    """ASGI wrapper around the session: leaves the server's own `send` in the scope, for frames.

    The session's `send` asks at every frame whether the session has changed, though only an HTTP answer could carry its cookie.
    """

    async def wrapped(scope: dict[str, Any], receive: Any, send: Any) -> Any:
        return await application({**scope, "plain_send": send}, receive, send)

    return wrapped


def text_frame(payload: bytes) -> bytes:
    """One unmasked, unfragmented text frame, as servers send it."""
    size = len(payload)
    if size < 126:
        return bytes((TEXT_FRAME, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", TEXT_FRAME, 126, size) + payload
    return struct.pack("!BBQ", TEXT_FRAME, 127, size) + payload


def whole_texts(data: bytes) -> list[bytes] | None:
    """The payloads, if this is nothing but whole, masked, short text frames with valid UTF-8, as browsers send them; else None."""
    found, at = [], 0
    while at < len(data):
        frame = text_at(data, at)
        if frame is None:
            return None
        payload, at = frame
        found.append(payload)
    return found


def text_at(data: bytes, at: int) -> tuple[bytes, int] | None:
    """One such payload, and where its frame ends."""
    if len(data) < at + 6 or data[at] != TEXT_FRAME or not 0x80 <= data[at + 1] < 0xFF:
        return None
    size, begin = data[at + 1] - 0x80, at + 6
    if size == 126:
        size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 8
        if size < 126:
            return None
    end = begin + size
    if len(data) < end:
        return None
    mask = data[begin - 4 : begin] * (size // 4 + 1)
    payload = (int.from_bytes(data[begin:end], "little") ^ int.from_bytes(mask[:size], "little")).to_bytes(
        size, "little"
    )
    try:
        payload.decode()
    except UnicodeDecodeError:
        return None
    return payload, end


class FrugalProtocol(WebSocketProtocol):  # type: ignore[misc]
    """As its base, which for each frame registers with the selector, waits for it, writes and unregisters: four system calls and a turn."""

    # The base compares by id in Python; it is asked several times for every frame.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    message_data: list[bytes] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unsent: list[bytes] = []

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        if self.state in {self.STATE_CLOSING, self.STATE_CLOSED}:
            # The browser has gone, and the application learns it in a moment; until then every push would be a traceback.
            return
        if binary or self.state != self.STATE_OPEN or self._perMessageCompress is not None:
            super().serverSend(content, binary)
            return
        if not self.unsent:
            asyncio.get_running_loop().call_soon(self.flush)
        self.unsent.append(text_frame(content.encode() if isinstance(content, str) else content))

    def flush(self) -> None:
        """Write at once what the kernel takes; the rest, and every failure, is the transport's, which waits as ever."""
        if not self.unsent:
            return
        data = b"".join(self.unsent)
        self.unsent.clear()
        transport = self.transport
        taken = 0
        if (
            transport.connected
            and not transport.disconnecting
            and not transport.dataBuffer
            and not transport._tempDataBuffer
        ):
            outcome = transport.writeSomeData(data)
            taken = outcome if isinstance(outcome, int) else 0
        if taken < len(data):
            transport.write(data[taken:])

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Pings, pongs and closes come by here: never before the text that was said earlier."""
        self.flush()
        super().sendData(data, sync, chopsize)

    def _closeConnection(self, abort: bool = False) -> None:
        self.flush()
        super()._closeConnection(abort)

    def dataReceived(self, data: bytes) -> None:
        """Nearly always whole short texts: read in one step. Everything else, and everything wrong, is the base's to read and to judge."""
        payloads = whole_texts(data) if self.is_between_frames() else None
        if payloads is None:
            # Not the base's `dataReceived`: it first describes itself for a log line that nobody has switched on.
            self._dataReceived(data)
            return
        for payload in payloads:
            self.onMessage(payload, False)

    def is_between_frames(self) -> bool:
        return (
            self.state == self.STATE_OPEN
            and not self.data
            and self.current_frame is None
            and not self.inside_message
            and not self.failedByMe
            and not self.autoPingTimeoutCall
            and self._perMessageCompress is None
        )

    def onMessageEnd(self) -> None:
        # The base then tells listeners that nobody can register here, with a Deferred each.
        if not self.failedByMe:
            self._onMessage(b"".join(self.message_data or ()), self.message_is_binary)
        self.message_data = None
