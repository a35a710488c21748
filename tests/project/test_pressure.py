"""What one socket may pile up: its flood stays with the flooder, and a reader that stalls is dropped, reminded, or ended."""

import time
from typing import Any

import pytest

from dm_project import pressure
from dm_project.pressure import BoundedProtocol, Inbox
from dm_project.wire import FrugalProtocol


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
    monkeypatch.setattr(FrugalProtocol, "serverSend", lambda self, content, binary=False: sent.append(content))
    found: Any = BoundedProtocol()
    found.transport, found.sent = Transport(), sent
    found.application_queue = Inbox(found)
    return found


def test_a_full_inbox_stops_the_reading_until_it_is_nearly_empty(protocol: Any) -> None:
    inbox = protocol.application_queue
    for number in range(pressure.INBOX_FULL - 1):
        inbox.put_nowait({"number": number})
    assert protocol.transport.is_reading
    inbox.put_nowait({})
    assert not protocol.transport.is_reading
    while inbox.qsize() > pressure.INBOX_LOW + 1:
        inbox.get_nowait()
    assert not protocol.transport.is_reading, "not for every single frame"
    inbox.get_nowait()
    assert protocol.transport.is_reading


def test_nothing_more_is_kept_for_a_reader_a_mebibyte_behind(protocol: Any) -> None:
    protocol.transport.dataBuffer = b"x" * pressure.UNSENT_BYTES
    protocol.serverSend("kept")
    protocol.transport._tempDataLen = 1
    protocol.serverSend("dropped")
    protocol.transport.dataBuffer = b""
    protocol.serverSend("dropped, too: it has not been told yet")
    assert protocol.sent == ["kept"]


def test_a_reader_who_catches_up_is_told_and_served_again(protocol: Any) -> None:
    protocol.behind_since = time.monotonic()
    protocol.judge(2.0)
    assert protocol.application_queue.get_nowait() == {"type": "socket.behind"}
    protocol.serverSend("again")
    assert protocol.sent == ["again"]


def test_a_reader_who_does_not_is_ended_and_then_cut_off(protocol: Any) -> None:
    protocol.behind_since = time.monotonic()
    protocol.transport.dataBuffer = b"x" * pressure.UNSENT_BYTES
    protocol.judge(pressure.STALLED_SECONDS)
    assert protocol.application_queue.empty()
    protocol.judge(pressure.STALLED_SECONDS + 1)
    protocol.judge(pressure.STALLED_SECONDS + 3)
    assert protocol.application_queue.get_nowait() == {"type": "socket.stalled"}
    assert protocol.application_queue.empty(), "told once"
    protocol.serverSend("bye")
    assert protocol.sent == ["bye"], "the goodbye is not dropped"
    assert not protocol.transport.is_aborted
    protocol.judge(pressure.ABORT_SECONDS + 1)
    assert protocol.transport.is_aborted
