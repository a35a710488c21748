"""A fake Redis that fails in a chosen way and counts connections; loopback only."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType

NO_ANSWER = b""
SHAPES: dict[str, bytes | None] = {
    "refused": None,
    "closed at once": NO_ANSWER,
    "reset at once": NO_ANSWER,
    "silent": NO_ANSWER,
    "full of clients": b"-ERR max number of clients reached\r\n",
    "wrong password": b"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
    "no password": b"-NOAUTH Authentication required.\r\n",
    "no permission": b"-NOPERM this user has no permissions to run the command\r\n",
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "read only": b"-READONLY You can't write against a read only replica.\r\n",
    "TLS instead": b"\x15\x03\x03\x00\x02\x02\x46",
    "HTTP instead": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "half an answer": b"*3\r\n$7\r\nmess",
}
"""The reply to each command."""
CLOSES = {"closed at once", "reset at once", "full of clients", "TLS instead", "HTTP instead"}


class FaultyRedis:
    """Use as an asynchronous context manager. `attempts` counts connections to `url`."""

    def __init__(self, shape: str) -> None:
        self.shape = shape
        self.attempts = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.listener: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> FaultyRedis:
        self.listener = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = int(self.listener.sockets[0].getsockname()[1])
        if self.shape == "refused":
            self.listener.close()
            await self.listener.wait_closed()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.listener is not None
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self.behave(reader, writer)
        except (OSError, asyncio.CancelledError):
            # The client is gone, or the test is over.
            return
        finally:
            self.tasks.discard(task)
            writer.close()

    async def behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = SHAPES[self.shape] or NO_ANSWER
        if self.shape == "reset at once":
            # Linger 0: the kernel closes with RST.
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
        if self.shape in CLOSES:
            writer.write(reply)
            await writer.drain()
            return
        while data := await reader.read(65_536):
            # One reply for each command; a command begins with an asterisk.
            writer.write(reply * data.count(b"*"))
            await writer.drain()
