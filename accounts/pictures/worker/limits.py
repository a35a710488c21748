"""Resource limits of the picture worker: memory, CPU time, files, processes, and its life beside the
server."""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 5
OUTPUT_BYTES = 128 * 1024 * 1024
OPEN_FILES = 32
NICENESS = 10
"""People who write come first: on a busy machine a picture waits."""
PR_SET_PDEATHSIG = 1


def apply(parent: int) -> None:
    """Limit this process, before it has read a byte of the picture.

    Args:
        parent: the server's process id. With it this process ends, too.
    """
    set_limit(resource.RLIMIT_AS, MEMORY_BYTES)
    # SIGXCPU ends the process at the first number, SIGKILL at the second.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    set_limit(resource.RLIMIT_FSIZE, OUTPUT_BYTES)
    set_limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    set_limit(resource.RLIMIT_CORE, 0)
    # Without effect for root; confinement.py refuses new processes as well.
    set_limit(resource.RLIMIT_NPROC, 0)
    os.nice(NICENESS)
    be_killed_first()
    end_with(parent)


def set_limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(kind, (most, most))
    except ValueError:
        # macOS knows the name of the limit for memory and takes no value.
        if sys.platform == "linux":
            raise


def be_killed_first() -> None:
    """Where memory runs out, the system ends this process and not the server or the database."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def end_with(parent: int) -> None:
    """Be killed when the server is, which could not kill its workers any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It ended before the line above.
        os._exit(1)
