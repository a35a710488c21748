"""The rate limit of control frames and fragments, which the application never sees."""

import asyncio
from typing import Any

import pytest

from dm_project.server import frame_limits
from dm_project.server.frame_limits import FRAMES_BURST, FrameLimitProtocol
from dm_project.server.websocket import CoalescingProtocol

PING, PONG = b"\x89\x80mask", b"\x8a\x80mask"
EMPTY_START, EMPTY_PIECE = b"\x01\x80mask", b"\x00\x80mask"


class Transport:
    """Accepts every byte."""

    connected, disconnecting, dataBuffer, _tempDataBuffer = True, False, b"", ()
    is_aborted = False

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abortConnection(self) -> None:
        self.is_aborted = True


@pytest.fixture
async def protocol(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An open socket, as far as frames are concerned."""
    from daphne.ws_protocol import WebSocketFactory

    WebSocketFactory.protocol = FrameLimitProtocol
    factory = WebSocketFactory(None)
    found: Any = factory.buildProtocol(None)
    found.transport = Transport()
    found.peer = "test"
    found._connectionMade()
    found.state, found.application_queue = found.STATE_OPEN, asyncio.Queue()
    found.inside_message, found.current_frame, found.websocket_version = False, None, 13
    found.client_addr = None
    found.last_ping = found.socket_opened = 0.0
    monkeypatch.setattr(frame_limits.time, "monotonic", lambda: 1_000.0)
    return found


def events(protocol: Any) -> list[str]:
    return [
        protocol.application_queue.get_nowait()["type"] for _ in range(protocol.application_queue.qsize())
    ]


async def test_occasional_pings_are_answered(protocol: Any) -> None:
    for _ in range(int(FRAMES_BURST)):
        protocol.dataReceived(PING)
    assert events(protocol) == []
    assert len(protocol.transport.written) == FRAMES_BURST


@pytest.mark.parametrize("flood", [PING, PONG, EMPTY_PIECE], ids=["pings", "pongs", "empty fragments"])
async def test_a_flood_closes_the_socket_once_and_is_not_parsed_further(protocol: Any, flood: bytes) -> None:
    if flood == EMPTY_PIECE:
        protocol.dataReceived(EMPTY_START)
    protocol.dataReceived(flood * 10_000)
    protocol.dataReceived(flood * 10_000)
    assert events(protocol) == ["socket.flooded"]
    assert len(protocol.transport.written) <= FRAMES_BURST + 1
    assert protocol.data == b""


async def test_a_fragmented_message_is_one_message(protocol: Any) -> None:
    pieces = [b"\x01\x81\0\0\0\0a", *[b"\x00\x81\0\0\0\0b"] * 100, b"\x80\x81\0\0\0\0c"]
    for piece in pieces:
        protocol.dataReceived(piece)
    assert protocol.application_queue.get_nowait() == {
        "type": "websocket.receive",
        "text": "a" + "b" * 100 + "c",
    }


async def test_whole_texts_are_left_to_the_applications_limit(protocol: Any) -> None:
    protocol.dataReceived(b"\x81\x81\0\0\0\0a" * 5_000)
    assert protocol.application_queue.qsize() == 5_000
    assert protocol.frame_tokens == FRAMES_BURST


async def test_a_ping_before_whole_frames_does_not_make_them_free(protocol: Any) -> None:
    """They take the slow path then: thousands in one read would block the loop before the application counts
    the first.
    """
    protocol.dataReceived(PING + b"\x82\x80\0\0\0\0" * 9_000)
    assert protocol.application_queue.qsize() < 2_500
    assert "socket.flooded" in events(protocol)


async def test_a_client_that_does_not_close_is_aborted(
    protocol: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_limits, "CLOSE_TIMEOUT_SECONDS", 0)
    protocol.dataReceived(PING * 1_000)
    assert not protocol.transport.is_aborted
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert protocol.transport.is_aborted


async def test_early_bytes_are_buffered_and_not_parsed_as_a_second_handshake(
    protocol: Any, monkeypatch: Any
) -> None:
    seen: list[bytes] = []
    monkeypatch.setattr(CoalescingProtocol, "_dataReceived", lambda self, data: seen.append(data))
    protocol.state, protocol.handshake_deferred = protocol.STATE_CONNECTING, object()
    protocol.dataReceived(b"GET /ws/ HTTP/1.1\r\n\r\n")
    assert (seen, protocol.data) == ([], b"GET /ws/ HTTP/1.1\r\n\r\n")
    assert not protocol.transport.is_aborted
    protocol.dataReceived(PING * 1_000)
    assert protocol.transport.is_aborted
    assert len(protocol.data) <= frame_limits.EARLY_BYTES


async def test_a_rejected_handshake_has_security_headers_and_echoes_nothing(
    protocol: Any,
) -> None:
    protocol.sendHttpErrorResponse(400, "bad Sec-WebSocket-Key <script>")
    answer = b"".join(protocol.transport.written)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"script" not in answer
    assert b"Content-Security-Policy: default-src 'none'" in answer
