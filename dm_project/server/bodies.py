"""Bodies of requests that are in a file, because they are large: read as fast as the application takes them.

Daphne reads a whole body into the application's queue at once. Two hundred uploads that wait for their turn
would then be in memory.
"""

from __future__ import annotations

import asyncio
from typing import Any, BinaryIO

CHUNK_BYTES = 65_536


class BodyQueue(asyncio.Queue[dict[str, Any]]):
    """The application's inbound queue: the body from its file, then what the server puts."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.file: BinaryIO | None = file
        self._disconnected: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def disconnected(self) -> asyncio.Future[None]:
        """Done when the client has gone. A request that waits need not read its body to notice it."""
        return self._disconnected

    def put_nowait(self, item: dict[str, Any]) -> None:
        if item["type"] == "http.request":
            # Of the empty body that the server was shown instead.
            return
        if item["type"] == "http.disconnect":
            self.close()
            if not self._disconnected.done():
                self._disconnected.set_result(None)
        super().put_nowait(item)

    async def get(self) -> dict[str, Any]:
        if self.file is None:
            return await super().get()
        chunk = self.file.read(CHUNK_BYTES)
        has_more = len(chunk) == CHUNK_BYTES
        if not has_more:
            self.close()
        return {"type": "http.request", "body": chunk, "more_body": has_more}

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None
