"""PURE. Where `next` may lead: to a path of this very site, nowhere else (safety.md T58)."""

import re
from urllib.parse import urlsplit

PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""One slash first, then printable ASCII without the backslash: browsers read `/\\` as `//` and skip tabs and line ends."""


def is_local_path(url: str) -> bool:
    if not PATH.fullmatch(url or ""):
        return False
    parts = urlsplit(url)
    return not parts.scheme and not parts.netloc


def local_path(url: str | None, otherwise: str) -> str:
    return url if url and is_local_path(url) else otherwise
