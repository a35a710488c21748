"""Per-socket back-pressure: a flood stays with its sender, and a client that stalls is warned or closed."""

import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from dm_project.server import backpressure
from dm_project.server.backpressure import BackpressureProtocol, ReceiveQueue
from dm_project.server.websocket import CoalescingProtocol


class Transport:
    dataBuffer, offset, _tempDataLen = b"", 0, 0
    is_reading, is_aborted = True, False

    def pauseProducing(self) -> None:
        self.is_reading = False

    def resumeProducing(self) -> None:
        self.is_reading = True

    def abortConnection(self) -> None:
        self.is_aborted = True


@pytest.fixture
def protocol(monkeypatch: pytest.MonkeyPatch) -> Any:
    sent: list[Any] = []
    monkeypatch.setattr(
        CoalescingProtocol, "serverSend", lambda self, content, binary=False: sent.append(content)
    )
    found: Any = BackpressureProtocol()
    found.transport, found.sent = Transport(), sent
    found.application_queue = ReceiveQueue(found)
    return found


def test_a_full_queue_pauses_reading_until_it_is_nearly_empty(protocol: Any) -> None:
    inbound = protocol.application_queue
    for number in range(backpressure.RECEIVE_HIGH_WATER - 1):
        inbound.put_nowait({"number": number})
    assert protocol.transport.is_reading
    inbound.put_nowait({})
    assert not protocol.transport.is_reading
    while inbound.qsize() > backpressure.RECEIVE_LOW_WATER + 1:
        inbound.get_nowait()
    assert not protocol.transport.is_reading, "not for every single frame"
    inbound.get_nowait()
    assert protocol.transport.is_reading


async def test_a_disconnect_overtakes_queued_frames(protocol: Any) -> None:
    inbound = protocol.application_queue
    for _ in range(backpressure.RECEIVE_HIGH_WATER):
        inbound.put_nowait({"type": "websocket.receive", "text": "never handled"})
    disconnected = inbound.disconnected()
    assert not disconnected.done()
    inbound.put_nowait({"type": "websocket.disconnect", "code": 1006})
    assert disconnected.done()
    assert inbound.get_nowait()["type"] == "websocket.disconnect"
    assert inbound.empty()


async def test_an_application_that_asks_late_learns_of_the_disconnect_at_once(protocol: Any) -> None:
    protocol.application_queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
    assert protocol.application_queue.disconnected().done()


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_disconnect_while_reading_is_paused_is_found(protocol: Any, is_closed: bool) -> None:
    """Twisted does not notice it while it does not read, and a flooding client could hold a slot until the
    next ping.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        protocol.transport.fileno = ours.fileno
        protocol.application_queue.is_reading = False
        theirs.sendall(b"still to be read")
        if is_closed:
            theirs.close()
        protocol.check_paused_connection()
        assert protocol.transport.is_aborted is is_closed


def test_an_expired_socket_is_told_before_it_is_closed(
    protocol: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    protocol.server = SimpleNamespace(max_socket_seconds=100)
    monkeypatch.setattr(protocol, "serverClose", lambda: closed.append(True), raising=False)
    monkeypatch.setattr(protocol, "duration", lambda: 99)
    protocol.check_lifetime()
    assert protocol.application_queue.empty()
    monkeypatch.setattr(protocol, "duration", lambda: 101)
    protocol.check_lifetime()
    protocol.check_lifetime()
    assert protocol.application_queue.get_nowait() == {"type": "socket.expired"}
    assert protocol.application_queue.empty(), "told once"
    assert not closed
    protocol.expired_at -= backpressure.CLOSE_TIMEOUT_SECONDS + 1
    protocol.check_lifetime()
    assert closed, "a busy application is not waited for"


def test_frames_for_a_client_a_mebibyte_behind_are_dropped(protocol: Any) -> None:
    protocol.transport.dataBuffer = b"x" * backpressure.SEND_HIGH_WATER_BYTES
    protocol.serverSend("kept")
    protocol.transport._tempDataLen = 1
    protocol.serverSend("dropped")
    protocol.transport.dataBuffer = b""
    protocol.serverSend("dropped, too: the client has not been told yet")
    assert protocol.sent == ["kept"]


def test_a_client_that_catches_up_is_told_and_served_again(protocol: Any) -> None:
    protocol.behind_since = time.monotonic()
    protocol.check_send_buffer(2.0)
    assert protocol.application_queue.get_nowait() == {"type": "socket.behind"}
    protocol.serverSend("again")
    assert protocol.sent == ["again"]


def test_a_client_that_does_not_catch_up_is_closed_and_then_aborted(protocol: Any) -> None:
    protocol.behind_since = time.monotonic()
    protocol.transport.dataBuffer = b"x" * backpressure.SEND_HIGH_WATER_BYTES
    protocol.check_send_buffer(backpressure.STALLED_SECONDS)
    assert protocol.application_queue.empty()
    protocol.check_send_buffer(backpressure.STALLED_SECONDS + 1)
    protocol.check_send_buffer(backpressure.STALLED_SECONDS + 3)
    assert protocol.application_queue.get_nowait() == {"type": "socket.stalled"}
    assert protocol.application_queue.empty(), "told once"
    protocol.serverSend("bye")
    assert protocol.sent == ["bye"], "the close reason is not dropped"
    assert not protocol.transport.is_aborted
    protocol.check_send_buffer(backpressure.ABORT_SECONDS + 1)
    assert protocol.transport.is_aborted
