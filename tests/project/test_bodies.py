"""Large bodies of requests: read from their file only as the application takes them."""

import io
from typing import Any

import pytest

from dm_project.server.bodies import CHUNK_BYTES, BodyQueue

EMPTY = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


class Body(io.BytesIO):
    reads = 0

    def read(self, *size: Any) -> bytes:
        self.reads += 1
        return super().read(*size)


async def everything(queue: BodyQueue) -> bytes:
    found = b""
    while (message := await queue.get())["type"] == "http.request":
        found += message["body"]
        if not message["more_body"]:
            return found
    raise AssertionError("the client has gone")


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
async def test_the_body_arrives_whole_and_its_file_is_closed(size: int) -> None:
    data = bytes(size)
    body = Body(data)
    queue = BodyQueue(body)
    queue.put_nowait(EMPTY)
    assert await everything(queue) == data
    assert body.closed
    queue.put_nowait(GONE)
    assert await queue.get() == GONE


async def test_nothing_is_read_before_the_application_asks() -> None:
    body = Body(bytes(10 * CHUNK_BYTES))
    queue = BodyQueue(body)
    queue.put_nowait(EMPTY)
    assert (body.reads, queue.qsize()) == (0, 0)
    await queue.get()
    assert body.reads == 1


async def test_a_client_that_has_gone_is_noticed_without_reading() -> None:
    body = Body(bytes(10 * CHUNK_BYTES))
    queue = BodyQueue(body)
    queue.put_nowait(EMPTY)
    await queue.get()
    assert not queue.disconnected().done()
    queue.put_nowait(GONE)
    assert queue.disconnected().done()
    assert body.closed
    assert await queue.get() == GONE
