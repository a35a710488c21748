"""Antivirus: a file is sent to clamd (CLAMD_SOCKET) before it becomes visible."""

from __future__ import annotations

import logging
import socket
import struct
from pathlib import Path

from django.conf import settings

from accounts.log_limits import OnceAMinute
from conversations.attachments.processing import FileRejected
from conversations.exceptions import Busy

logger = logging.getLogger(__name__)
limited = OnceAMinute(logger)
CHUNK = 64 * 1024
TIMEOUT_SECONDS, RETRY_MS = 60, 10_000
LONGEST_ANSWER = 4_096


def scan(path: Path) -> None:
    """Without CLAMD_SOCKET nothing is scanned.

    Raises:
        FileRejected: infected.
        Busy: the scanner does not answer, or cannot judge the file, which stays invisible. Worth another try.
    """
    if not settings.CLAMD_SOCKET:
        return
    try:
        answer = ask(path)
    except OSError as error:
        limited.warning("clamd does not answer (%s): files wait", type(error).__name__)
        raise Busy(retry_after_ms=RETRY_MS) from None
    if answer.endswith(b" FOUND"):
        raise FileRejected("infected")
    if not answer.endswith(b": OK"):
        # The answer of an error is a sentence of clamd; StreamMaxLength must be above ATTACHMENT_BYTES.
        limited.warning("clamd could not judge a file: %s", answer[-80:].decode("ascii", "replace"))
        raise Busy(retry_after_ms=RETRY_MS)


def ask(path: Path) -> bytes:
    """INSTREAM: pieces with their length in front, an empty one at the end. Returns clamd's answer."""
    with socket.socket(socket.AF_UNIX) as line, path.open("rb") as file:
        line.settimeout(TIMEOUT_SECONDS)
        line.connect(settings.CLAMD_SOCKET)
        line.sendall(b"zINSTREAM\0")
        while data := file.read(CHUNK):
            line.sendall(struct.pack("!I", len(data)) + data)
        line.sendall(struct.pack("!I", 0))
        answer = b""
        while len(answer) < LONGEST_ANSWER and (data := line.recv(LONGEST_ANSWER)):
            answer += data
    return answer.strip(b"\0\n ")
