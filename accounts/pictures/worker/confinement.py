"""Sandbox of the picture worker: no network, no files, no processes, for whatever takes over the decoder
(T40).

The picture and the files for the result are open before. So the rest of the process needs memory, the clock
and those files, and asking the kernel for anything else fails. Three mechanisms of Linux, none of which needs
privileges (ADR 17): a seccomp filter where the kernel takes one and the numbers of its system calls are
known, Landlock, and, without the filter, namespaces of its own. What the kernel refuses to set up is left
out; `confine` tells what holds.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2

X86_64, AARCH64 = "x86_64", "aarch64"
ARCHITECTURES = {X86_64: 0xC000003E, AARCH64: 0xC00000B7}
ALLOWED = {
    # name: (x86_64, aarch64)
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "lseek": (8, 62),
    "close": (3, 57),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "ftruncate": (77, 46),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    "getrandom": (318, 278),
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "getcwd": (79, 17),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "sched_yield": (24, 124),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
"""What decoding needs. `newfstatat` is how glibc asks for the size of an open file; of others it tells no
content."""
WITH_PROTECTION = ("mmap", "mprotect")
"""Refused when they ask for memory that can be executed."""
PROT_EXEC = 4

# Classic BPF: operation, jump if true, jump if false, value; over struct seccomp_data.
LOAD, EQUAL, AND_SET, RETURN = 0x20, 0x15, 0x45, 0x06
AT_NUMBER, AT_ARCHITECTURE, AT_THIRD_ARGUMENT = 0, 4, 32
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000

LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF, LANDLOCK_VERSION = 444, 446, 1
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version of Landlock knows; later ones know as many as the last."""
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def confine() -> list[str]:
    """Give up everything but memory and the open files, for ever. Returns the mechanisms that hold now."""
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    if call(libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return []
    filter_program = seccomp_program(platform.machine()) if takes_filters(libc) else b""
    held = []
    if not filter_program and call(libc.unshare, CLONE_NEWUSER | CLONE_NEWNET) == 0:
        held.append("namespaces")
    if restrict_files(libc):
        held.append("landlock")
    if filter_program and install(libc, filter_program):
        held.append("seccomp")
    return held


def call(function: "ctypes._NamedFuncPointer", *arguments: int) -> int:
    """A function of libc with arguments as wide as registers: it may take any number of them."""
    return int(function(*(ctypes.c_ulong(argument) for argument in arguments)))


def takes_filters(libc: ctypes.CDLL) -> bool:
    """Whether the kernel, and the container around this process, would install a filter: asked with none, at
    no address. The filter itself comes last, and forbids what would have to replace it."""
    refused = call(libc.prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0) != 0
    return refused and ctypes.get_errno() == errno.EFAULT


def seccomp_program(machine: str) -> bytes:
    """The filter as instructions; empty for a machine whose numbers are not in ALLOWED."""
    if machine not in ARCHITECTURES:
        return b""
    column = (X86_64, AARCH64).index(machine)
    program = [
        (LOAD, 0, 0, AT_ARCHITECTURE),
        (EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, AT_NUMBER),
    ]
    for name, numbers in ALLOWED.items():
        if name in WITH_PROTECTION:
            checked = (LOAD, 0, 0, AT_THIRD_ARGUMENT), (AND_SET, 0, 1, PROT_EXEC), (RETURN, 0, 0, FAIL)
            program += [(EQUAL, 0, 4, numbers[column]), *checked, (RETURN, 0, 0, ALLOW)]
        else:
            program += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, ALLOW)]
    program.append((RETURN, 0, 0, FAIL))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


class Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(libc: ctypes.CDLL, program: bytes) -> bool:
    described = Program(len(program) // 8, program)
    address = ctypes.addressof(described)
    return call(libc.prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address, 0, 0) == 0


def restrict_files(libc: ctypes.CDLL) -> bool:
    """Landlock without a rule: no path can be opened, made or removed, and no TCP port reached."""
    version = call(libc.syscall, LANDLOCK_CREATE_RULESET, 0, 0, LANDLOCK_VERSION)
    if version < 1:
        return False
    files = (1 << FILE_RIGHTS[min(version, max(FILE_RIGHTS))]) - 1
    network, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rights = ctypes.create_string_buffer(struct.pack("QQQ", files, network, scopes), 24)
    ruleset = call(libc.syscall, LANDLOCK_CREATE_RULESET, ctypes.addressof(rights), size, 0)
    if ruleset < 0:
        return False
    held = call(libc.syscall, LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return held
