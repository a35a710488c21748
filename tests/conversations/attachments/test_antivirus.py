"""Antivirus: each file is shown to clamd before it can be sent. A small stand-in speaks its protocol."""

import logging
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conversations.attachments import antivirus
from conversations.attachments.antivirus import scan
from conversations.attachments.processing import FileRejected
from conversations.exceptions import Busy

VIRUS = b"not really a virus"


class Clamd:
    """Answers INSTREAM as clamd does: FOUND where the bytes contain VIRUS."""

    def __init__(self, path: Path) -> None:
        self.path, self.seen = path, [b""] * 0
        self.answer: bytes | None = None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            with line, line.makefile("rb") as file:
                self.scan(line, file)

    def scan(self, line: socket.socket, file: Any) -> None:
        assert file.read(10) == b"zINSTREAM\0"
        data = b""
        while (size := struct.unpack("!I", file.read(4))[0]) > 0:
            data += file.read(size)
        self.seen.append(data)
        found = b"stream: Eicar-Test FOUND" if VIRUS in data else b"stream: OK"
        line.sendall((self.answer if self.answer is not None else found) + b"\0")


@pytest.fixture
def clamd(tmp_path: Path, settings: Any) -> Iterator[Clamd]:
    found = Clamd(tmp_path / "clamd")
    settings.CLAMD_SOCKET = str(found.path)
    yield found
    found.listener.close()


@pytest.fixture(autouse=True)
def _log_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(antivirus.limited, "written_at", {})


def file_with(folder: Path, data: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(data)
    return path


def test_a_clean_file_is_shown_whole(clamd: Clamd, tmp_path: Path) -> None:
    data = bytes(range(256)) * 1_000
    scan(file_with(tmp_path, data))
    scan(file_with(tmp_path, b""))
    assert clamd.seen == [data, b""]


def test_an_infected_file_is_rejected(clamd: Clamd, tmp_path: Path) -> None:
    with pytest.raises(FileRejected) as refused:
        scan(file_with(tmp_path, b"x" * 100_000 + VIRUS))
    assert refused.value.reason == "infected"


@pytest.mark.parametrize(
    "answer", [b"INSTREAM size limit exceeded. ERROR", b"", b"stream: FOUND nothing", b"UNKNOWN COMMAND"]
)
def test_a_scanner_that_does_not_judge_keeps_the_file_waiting(
    clamd: Clamd, tmp_path: Path, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    clamd.answer = answer
    with caplog.at_level(logging.WARNING), pytest.raises(Busy):
        scan(file_with(tmp_path, b"hello"))
    assert "could not judge" in caplog.text


def test_a_scanner_that_is_away_keeps_the_file_waiting(
    tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CLAMD_SOCKET = str(tmp_path / "nothing")
    with caplog.at_level(logging.WARNING), pytest.raises(Busy) as refused:
        scan(file_with(tmp_path, b"hello"))
    assert refused.value.retry_after_ms
    assert "does not answer" in caplog.text


def test_without_a_socket_nothing_is_scanned(tmp_path: Path, settings: Any) -> None:
    settings.CLAMD_SOCKET = ""
    scan(tmp_path / "missing")
