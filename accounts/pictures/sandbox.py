"""Sandboxed worker process: decodes one uploaded picture with hard limits, apart from the server.

A hostile file can affect that process only (docs/threats.md T40). It gets its files as open descriptors and
none of the server's environment; `worker/limits.py` and `worker/confinement.py` say what else it gives up.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Hashable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from accounts.pictures.permits import NoPermit, Permits

logger = logging.getLogger(__name__)

PERMITS = Permits()
WORKER_TIMEOUT_SECONDS = 30.0
"""Wall-clock limit for one picture. The worker limits its own CPU time to five seconds; the rest is waiting
for a CPU."""
ANSWER_BYTES = 16 * 1024
REASONS = frozenset(
    {
        "not_a_picture",
        "too_many_pixels",
        "too_many_frames",
        "damaged",
        "too_slow",
        "unsupported",
        "mismatch",
    }
)
SAMPLE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
"""The smallest picture: a PNG of one point."""
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
WORKER = Path(__file__).with_name("worker")


class PictureRejected(Exception):
    """The file is refused; `reason` as in worker/rejection.py."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WorkerBusy(Exception):
    """No permit was free, or the worker timed out, or there is no process for it; try again later."""


def run_worker(
    source: int, outputs: Mapping[str, int], *, user: Hashable = None, **job: Any
) -> dict[str, Any]:
    """Let a worker process make pictures out of an uploaded one.

    Args:
        source: descriptor of the uploaded file, at its beginning.
        outputs: descriptors of empty files, by the names of what is written to them.
        user: who waits for it. Others are not held up by them.
        job: `format`, and what else worker/run.py takes.

    Returns:
        What the worker says. It may have been taken over by the picture: callers judge each word of it, and
        the outputs, like any other input.

    Raises:
        PictureRejected, WorkerBusy; OSError: the disk is full. What the outputs hold then is of no use.
    """
    try:
        with PERMITS.permit(object() if user is None else user):
            code, answer = exchange(source, outputs, job)
    except NoPermit:
        raise WorkerBusy from None
    if code == -signal.SIGXCPU:
        raise PictureRejected("too_slow")
    if code == -signal.SIGKILL:
        # By the system, for want of memory: the picture may be valid.
        raise WorkerBusy
    made = decoded(answer) if code == 0 else None
    if made is None:
        # A crash of a decoder, or an error of ours.
        logger.warning("an uploaded picture could not be processed (exit code %s)", code)
        raise PictureRejected("damaged")
    raise_refusal(made)
    return made


def raise_refusal(made: Mapping[str, Any]) -> None:
    for number in NO_SPACE:
        if made.get("failed") == number:
            raise OSError(number, os.strerror(number))
    if "rejected" in made or "failed" in made:
        raise PictureRejected(next((word for word in REASONS if word == made.get("rejected")), "damaged"))


def missing() -> str:
    """What this system lacks for pictures, as a sentence for its operator; empty if nothing is missing, or if
    there is no time to find out. Processes a picture: after an update of the system it shows whether the
    sandbox still lets the decoders work."""
    try:
        with ExitStack() as stack:
            source, *outputs = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(4))
            source.write(SAMPLE)
            source.seek(0)
            names = dict(zip(("file", "display", "thumb"), (file.fileno() for file in outputs), strict=True))
            made = run_worker(source.fileno(), names, format="PNG")
    except WorkerBusy:
        return ""
    except (PictureRejected, OSError) as error:
        return (
            f"Pictures cannot be processed on this system ({error}): every one will be refused. "
            "See docs/operate.md, Pictures."
        )
    reachable = reachable_with(made.get("sandbox", []))
    if not reachable:
        return ""
    return (
        "Uploaded pictures are decoded without a complete sandbox on this system: one that takes its decoder "
        f"over could reach {', '.join(reachable)}. See docs/operate.md, Pictures."
    )


def reachable_with(held: Collection[str]) -> list[str]:
    """What a decoder that was taken over could reach with these mechanisms of worker/confinement.py."""
    if "seccomp" in held:
        return []
    files = [] if "landlock" in held else ["files (with the keys and the database)"]
    network = [] if "namespaces" in held else ["the network"]
    return [*files, *network, "other processes of its user"]


def decoded(answer: bytes) -> dict[str, Any] | None:
    # RecursionError: brackets in brackets.
    with suppress(ValueError, RecursionError):
        made = json.loads(answer)
        return made if isinstance(made, dict) else None
    return None


def exchange(source: int, outputs: Mapping[str, int], job: Mapping[str, Any]) -> tuple[int, bytes]:
    """The exit code and the answer. No process is left in any case.

    Raises:
        WorkerBusy: after the timeout, or without a process or descriptors for it.
    """
    told = json.dumps({**job, "parent": os.getpid(), "outputs": dict(outputs)})
    try:
        answers, answer_end = os.pipe()
    except OSError as error:
        raise without_worker(error) from None
    try:
        try:
            process = started(told, source, answer_end, outputs)
        except OSError as error:
            raise without_worker(error) from None
        finally:
            os.close(answer_end)
        deadline = time.monotonic() + WORKER_TIMEOUT_SECONDS
        try:
            answer = read_answer(answers, deadline)
            return process.wait(max(0.0, deadline - time.monotonic())), answer
        except (TimeoutError, subprocess.TimeoutExpired):
            # The picture may be valid: on a busy machine the worker only ran out of time.
            raise WorkerBusy from None
        finally:
            end(process)
    finally:
        os.close(answers)


def without_worker(error: OSError) -> WorkerBusy:
    """Never taken for a full disk, nor for a fault of the picture."""
    logger.warning("no process could be started for an uploaded picture (%s)", type(error).__name__)
    return WorkerBusy()


def started(told: str, source: int, answer: int, outputs: Mapping[str, int]) -> subprocess.Popen[bytes]:
    # -I and the empty environment: a compromised decoder reaches neither our modules nor the keys.
    return subprocess.Popen(  # noqa: S603 (our own program, no shell)
        [sys.executable, "-I", str(WORKER), told],
        stdin=source,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        pass_fds=tuple(outputs.values()),
        env={},
        cwd="/",
        # Of its own, so that all of it can be killed. Not a session: the scheduler would weigh that against
        # the server as a whole, and niceness would not count.
        process_group=0,
    )


def read_answer(descriptor: int, deadline: float) -> bytes:
    """Standard output to its end; of a worker that does not stop, only so much. Raises TimeoutError."""
    answer = b""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while len(answer) <= ANSWER_BYTES:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError
        chunk = os.read(descriptor, ANSWER_BYTES)
        if not chunk:
            break
        answer += chunk
    return answer


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
