"""PURE. JPEG files: how often the decoder has to go through the whole picture (docs/threats.md T40)."""

import re
from mmap import mmap

MOST_SCANS = 100
"""Encoders make about ten for a progressive picture. Each scan costs the time of all points, and one that
says nothing new takes a few bytes."""
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
"""Between the compressed points, too: there a zero, or the sign of a restart, follows 0xFF."""
END, SCAN, WITHOUT_LENGTH = 0xD9, 0xDA, frozenset({0x01, 0xD8})


def scan_count(data: bytes | mmap, most: int) -> int:
    """The number of scans; `most` + 1 for all larger ones. Thumbnails in a segment, and what follows the end,
    do not count."""
    count, at = 0, 2
    while (found := MARKER.search(data, at)) and count <= most:
        kind, at = found[1][0], found.end()
        if kind == END:
            break
        count += kind == SCAN
        if kind not in WITHOUT_LENGTH:
            at += int.from_bytes(data[at : at + 2], "big")
    return count
