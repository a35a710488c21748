"""Frames leave whole and in order, however many bytes the kernel accepts at once."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from dm_project.server.websocket import CoalescingProtocol, keep_plain_send, parse_whole_texts, text_frame


class Transport:
    """A transport whose kernel accepts `capacity` bytes and no more."""

    def __init__(self, capacity: int = 1_000_000, *, fails: bool = False) -> None:
        self.capacity, self.fails = capacity, fails
        self.connected, self.disconnecting = True, False
        self.dataBuffer, self._tempDataBuffer = b"", []
        self.taken, self.writes = b"", 0

    def writeSomeData(self, data: bytes) -> int | Exception:
        self.writes += 1
        if self.fails:
            return ConnectionError()
        part = data[: self.capacity]
        self.capacity -= len(part)
        self.taken += part
        return len(part)

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)

    def loseConnection(self) -> None:
        self.disconnecting = True

    @property
    def everything(self) -> bytes:
        return self.taken + b"".join(self._tempDataBuffer)


def protocol_on(transport: Transport) -> Any:
    protocol = CoalescingProtocol()
    protocol.transport = transport
    protocol.state = protocol.STATE_OPEN
    protocol._perMessageCompress = None
    protocol.client_addr = None
    protocol.send_queue = []
    protocol.trafficStats = type("Stats", (), {"outgoingOctetsWireLevel": 0})()
    protocol.logOctets = False
    protocol.peer = "test"
    return protocol


def frames_in(data: bytes) -> list[bytes]:
    stream = StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    found = []
    while True:
        reading = Frame.parse(stream.read_exact, mask=False)
        try:
            next(reading)
        except StopIteration as done:
            found.append(bytes(done.value.data))
        except EOFError:
            return found


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 131_072])
def test_a_frame_of_any_size_round_trips(size: int) -> None:
    assert frames_in(text_frame(b"x" * size)) == [b"x" * size]


def from_browser(
    payload: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True, mask: bool = True
) -> bytes:
    return Frame(opcode, payload, fin=fin).serialize(mask=mask)


@given(st.lists(st.text(max_size=300), min_size=1, max_size=5))
def test_whole_texts_take_the_fast_path(texts: list[str]) -> None:
    payloads = [text.encode() for text in texts]
    assert parse_whole_texts(b"".join(map(from_browser, payloads))) == payloads


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65_535])
def test_a_short_text_of_any_size_takes_the_fast_path(size: int) -> None:
    assert parse_whole_texts(from_browser(b"x" * size)) == [b"x" * size]


@pytest.mark.parametrize(
    "data",
    [
        from_browser(b"x" * 65_536),
        from_browser(b"hello", mask=False),
        from_browser(b"hello", fin=False),
        from_browser(b"hello", Opcode.CONT),
        from_browser(b"hello", Opcode.BINARY),
        from_browser(b"hello", Opcode.PING),
        from_browser(b"\x03\xe8", Opcode.CLOSE),
        from_browser(b"\xff\xfe"),
        from_browser("\ud800".encode("utf-8", "surrogatepass")),
        from_browser(b"one") + from_browser(b"two", Opcode.PING),
        b"\xc1" + from_browser(b"hello")[1:],
        b"\x81\xfe\x00\x05" + from_browser(b"hello")[2:],
    ],
    ids=[
        "long",
        "unmasked",
        "unfinished",
        "continued",
        "binary",
        "ping",
        "close",
        "no UTF-8",
        "surrogate",
        "two",
        "reserved bit",
        "length",
    ],
)
def test_everything_else_is_left_to_the_library(data: bytes) -> None:
    assert parse_whole_texts(data) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    found = parse_whole_texts(data)
    assert not found or data[:1] == b"\x81"


@pytest.mark.parametrize("end", range(1, len(from_browser(b"x" * 130))))
def test_part_of_a_text_waits_for_the_rest(end: int) -> None:
    assert parse_whole_texts(from_browser(b"x" * 130)[:end]) is None


async def test_frames_bypass_the_session() -> None:
    seen: dict[str, Any] = {}

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.update(scope)

    async def send(message: dict[str, Any]) -> None: ...

    scope = {"type": "websocket"}
    await keep_plain_send(application)(scope, None, send)
    assert seen == {"type": "websocket", "plain_send": send}
    assert scope == {"type": "websocket"}


async def test_frames_of_one_iteration_leave_in_one_write_and_in_order() -> None:
    transport = Transport()
    protocol = protocol_on(transport)
    for text in ("one", "two", "olá"):
        protocol.serverSend(text)
    await asyncio.sleep(0)
    assert frames_in(transport.everything) == [b"one", b"two", "olá".encode()]
    assert transport.writes == 1


async def test_bytes_that_the_kernel_does_not_accept_wait_in_order() -> None:
    transport = Transport(capacity=7)
    protocol = protocol_on(transport)
    for text in ("one", "two", "three"):
        protocol.serverSend(text)
        await asyncio.sleep(0)
    assert frames_in(transport.everything) == [b"one", b"two", b"three"]
    assert len(transport.taken) == 7


async def test_a_lost_connection_is_left_to_the_transport() -> None:
    transport = Transport(fails=True)
    protocol_on(transport).serverSend("one")
    await asyncio.sleep(0)
    assert transport._tempDataBuffer == [text_frame(b"one")]


async def test_a_close_never_overtakes_earlier_frames() -> None:
    transport = Transport()
    protocol = protocol_on(transport)
    protocol.serverSend("bye")
    protocol.sendData(b"the close frame")
    assert transport.everything == text_frame(b"bye") + b"the close frame"


async def test_closing_loses_no_frame_of_the_same_iteration() -> None:
    transport = Transport()
    protocol = protocol_on(transport)
    protocol.serverSend("bye")
    protocol._closeConnection()
    assert transport.everything == text_frame(b"bye")
    assert transport.disconnecting
