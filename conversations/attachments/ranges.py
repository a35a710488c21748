"""PURE. Ranges of HTTP (RFC 9110, 14): which bytes of a file a request asks for. Single ranges only."""

from __future__ import annotations

import re
from dataclasses import dataclass

RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes from `start`, of `size` in all."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


class NotSatisfiable(Exception):
    """No byte of the file is in the range."""


def part_of(header: str | None, size: int) -> Part | None:
    """What a Range header asks for; None for the whole file: no header, one that is malformed, or several
    ranges, which a server may ignore.

    Raises:
        NotSatisfiable
    """
    found = RANGE.fullmatch(header) if header else None
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        length = min(int(found[2]), size)
        start = size - length
    else:
        start = int(found[1])
        last = min(int(found[2]), size - 1) if found[2] else size - 1
        if found[2] and int(found[2]) < start:
            return None
        length = last - start + 1
    if length <= 0:
        raise NotSatisfiable
    return Part(start, length, size)
