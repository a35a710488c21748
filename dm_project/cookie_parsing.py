"""Reads quoted cookies in one pass on every Python. Called by settings, before anything reads a cookie.

Before 3.11.10 and 3.12.6 each backslash makes the standard library search the rest of the value twice (CVE-2024-7592). A cookie of 16 KiB, which
anybody may send with any request and handshake, takes a core for half a second, and all sockets wait meanwhile.
"""

import re
import sys
from http import cookies
from typing import Any

FIXED_PATCH = {(3, 11): 10, (3, 12): 6}
"""First patch release of a line with the fault that has it no more."""
ESCAPED = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))")


standard = cookies._unquote


def is_slow(version: tuple[Any, ...] = sys.version_info) -> bool:
    return bool(version[2] < FIXED_PATCH.get((version[0], version[1]), 0))


def unquote(value: str | None) -> str | None:
    """What `http.cookies._unquote` answers."""
    if value is None or len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return ESCAPED.sub(lambda found: chr(int(found[1], 8)) if found[1] else found[2], value[1:-1])


def read_cookies_in_one_pass() -> None:
    if is_slow():
        # By its private name, for that is what Django and the library itself call.
        cookies._unquote = unquote  # type: ignore[assignment]
