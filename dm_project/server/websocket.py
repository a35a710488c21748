"""Daphne's WebSocket protocol with coalesced writes: one system call for all frames of a loop iteration.

The bytes on the wire stay the same. Knows frames and transports, nothing of what they carry.
"""

import asyncio
import struct
from typing import Any

from daphne.ws_protocol import WebSocketProtocol

TEXT_FRAME = 0x81
"""First byte of a whole text message (RFC 6455, 5.2)."""


def keep_plain_send(application: Any) -> Any:
    """ASGI middleware around the session: keeps the server's own `send` in the scope, for frames.

    The session's `send` checks at every frame whether the session has changed, though only an HTTP response
    could carry its cookie.
    """

    async def wrapped(scope: dict[str, Any], receive: Any, send: Any) -> Any:
        return await application({**scope, "plain_send": send}, receive, send)

    return wrapped


def text_frame(payload: bytes) -> bytes:
    """One unmasked, unfragmented text frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((TEXT_FRAME, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", TEXT_FRAME, 126, size) + payload
    return struct.pack("!BBQ", TEXT_FRAME, 127, size) + payload


def parse_whole_texts(data: bytes) -> list[bytes] | None:
    """The payloads, if the data is only whole, masked, short text frames with valid UTF-8, as browsers send
    them; else None.
    """
    payloads, offset = [], 0
    while offset < len(data):
        frame = parse_text_frame(data, offset)
        if frame is None:
            return None
        payload, offset = frame
        payloads.append(payload)
    return payloads


def parse_text_frame(data: bytes, offset: int) -> tuple[bytes, int] | None:
    """One such payload, and the offset at which its frame ends."""
    if len(data) < offset + 6 or data[offset] != TEXT_FRAME or not 0x80 <= data[offset + 1] < 0xFF:
        return None
    size, begin = data[offset + 1] - 0x80, offset + 6
    if size == 126:
        size, begin = int.from_bytes(data[offset + 2 : offset + 4], "big"), offset + 8
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


class CoalescingProtocol(WebSocketProtocol):  # type: ignore[misc]
    """Joins the frames of one loop iteration. For each frame the base registers with the selector, waits,
    writes and unregisters: four system calls and an iteration.
    """

    # The base compares by id in Python code, several times for every frame.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    message_data: list[bytes] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unsent: list[bytes] = []

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        if self.state in {self.STATE_CLOSING, self.STATE_CLOSED}:
            # The client has gone and the application does not know yet: every push would be a traceback.
            return
        if binary or self.state != self.STATE_OPEN or self._perMessageCompress is not None:
            super().serverSend(content, binary)
            return
        if not self.unsent:
            asyncio.get_running_loop().call_soon(self.flush)
        self.unsent.append(text_frame(content.encode() if isinstance(content, str) else content))

    def flush(self) -> None:
        """Write what the kernel accepts at once.

        The transport handles the rest, and every failure, as usual.
        """
        if not self.unsent:
            return
        data = b"".join(self.unsent)
        self.unsent.clear()
        transport = self.transport
        written = 0
        if (
            transport.connected
            and not transport.disconnecting
            and not transport.dataBuffer
            and not transport._tempDataBuffer
        ):
            outcome = transport.writeSomeData(data)
            written = outcome if isinstance(outcome, int) else 0
        if written < len(data):
            transport.write(data[written:])

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """For pings, pongs and closes: never sent before a text that was sent earlier."""
        self.flush()
        super().sendData(data, sync, chopsize)

    def _closeConnection(self, abort: bool = False) -> None:
        self.flush()
        super()._closeConnection(abort)

    def dataReceived(self, data: bytes) -> None:
        """Fast path for whole short texts, which nearly all input is.

        The base parses, and rejects, everything else.
        """
        payloads = parse_whole_texts(data) if self.is_between_frames() else None
        if payloads is None:
            # Not the base's `dataReceived`: it first formats a description of itself for a disabled log line.
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
        # The base then notifies listeners, which cannot be registered here, with a Deferred each.
        if not self.failedByMe:
            self._onMessage(b"".join(self.message_data or ()), self.message_is_binary)
        self.message_data = None
