"""Linear-time parsing of quoted cookies on every Python. Called by settings, before any cookie is read.

Before 3.11.10 and 3.12.6 each backslash makes the standard library search the rest of the value twice
(CVE-2024-7592). A cookie of 16 KiB, which any client may send with any request and handshake, takes a core
for half a second, and all sockets wait meanwhile.
"""

import re
import sys
from http import cookies
from typing import Any

FIXED_PATCH = {(3, 11): 10, (3, 12): 6}
"""For each release line with the bug, the first patch release without it."""
ESCAPED = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))")


standard = cookies._unquote


def is_vulnerable(version: tuple[Any, ...] = sys.version_info) -> bool:
    return bool(version[2] < FIXED_PATCH.get((version[0], version[1]), 0))


def unquote(value: str | None) -> str | None:
    """Returns the same as `http.cookies._unquote`."""
    if value is None or len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return ESCAPED.sub(lambda match: chr(int(match[1], 8)) if match[1] else match[2], value[1:-1])


def patch_cookie_parsing() -> None:
    if is_vulnerable():
        # By its private name, which Django and the library itself call.
        cookies._unquote = unquote  # type: ignore[assignment]
