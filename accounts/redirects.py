"""PURE. Open redirect protection: `next` may only be a path on this site (docs/threats.md T58)."""

import re
from urllib.parse import urlsplit

PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""One slash, then printable ASCII without `\\`: browsers read `/\\` as `//` and ignore tabs and newlines."""
MAX_LENGTH = 2_000
"""Longer than any URL of ours. Django rejects much longer redirects with an error page."""


def is_local_path(url: str) -> bool:
    if len(url) > MAX_LENGTH or not PATH.fullmatch(url):
        return False
    parts = urlsplit(url)
    return not parts.scheme and not parts.netloc


def local_path(url: str | None, default: str) -> str:
    return url if url and is_local_path(url) else default
