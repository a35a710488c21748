"""PURE. Polyglots: pictures that are a page, a script or an archive as well (docs/threats.md T39).

What we make of a picture has none of it, because its points are encoded again. An obvious one is refused all
the same: it was made to be mistaken. Files that cameras make, with a film or a second picture at the end,
pass."""

import re
import struct
from mmap import mmap

MARKUP = re.compile(rb"<(?i:(?:script|html|iframe|\?php)[\s>]|!doctype html|svg\s+[a-z:]{3,20}=)")
"""Long enough to stand in no compressed picture by chance: `<svg` is found in one of a hundred photos."""
PDF = b"%PDF-"
PDF_WITHIN = 1024
"""Where readers look for the beginning of a PDF."""
ARCHIVE_END, ARCHIVE_ENTRY = b"PK\x05\x06", b"PK\x01\x02"
ARCHIVE_END_BYTES, COMMENT_BYTES = 22, 65_535
SCRIPT = re.compile(rb"GIF8[79]a(?:/[*/]|=[\t-\r -~]{3})")
"""A GIF whose size, read as letters, goes on as a script. It would be more than 8,000 points wide or high."""


def is_polyglot(data: bytes | mmap) -> bool:
    """Whether the file is of another kind, too."""
    return bool(
        MARKUP.search(data)
        or PDF in data[:PDF_WITHIN]
        or SCRIPT.match(data)
        or ends_as_archive(data[-ARCHIVE_END_BYTES - COMMENT_BYTES :])
    )


def ends_as_archive(tail: bytes) -> bool:
    """Whether the last bytes are the directory of a ZIP. Four bytes alone would be found in many pictures."""
    at = tail.rfind(ARCHIVE_END)
    if at < 0 or len(tail) - at < ARCHIVE_END_BYTES:
        return False
    entries, size, _, comment = struct.unpack_from("<HIIH", tail, at + 10)
    return bool(
        at + ARCHIVE_END_BYTES + comment <= len(tail)
        and entries
        and tail[max(at - size, 0) : at].startswith(ARCHIVE_ENTRY)
    )
