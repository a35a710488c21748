"""Daphne's WebSocket protocol, made to spend less: what one turn of the loop has for a socket leaves in one system call.

Changes nothing of what is said on the wire. Knows frames and transports, no application.
"""

import asyncio
import struct
from typing import Any

from daphne.ws_protocol import WebSocketProtocol

TEXT_FRAME = 0x81
"""First byte of a whole text message (RFC 6455, 5.2)."""


def text_frame(payload: bytes) -> bytes:
    """One unmasked, unfragmented text frame, as servers send it."""
    size = len(payload)
    if size < 126:
        return bytes((TEXT_FRAME, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", TEXT_FRAME, 126, size) + payload
    return struct.pack("!BBQ", TEXT_FRAME, 127, size) + payload


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
        if transport.connected and not transport.disconnecting and not transport.dataBuffer and not transport._tempDataBuffer:
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
        # The base first describes itself for a log line that nobody has switched on.
        self._dataReceived(data)

    def onMessageEnd(self) -> None:
        # The base then tells listeners that nobody can register here, with a Deferred each.
        if not self.failedByMe:
            self._onMessage(b"".join(self.message_data or ()), self.message_is_binary)
        self.message_data = None
