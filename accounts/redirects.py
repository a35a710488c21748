"""PURE. Where `next` may lead: to a path of this very site, nowhere else (safety.md T58)."""

import re
from urllib.parse import urlsplit

PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""One slash first, then printable ASCII without the backslash: browsers read `/\\` as `//` and skip tabs and line ends."""


LONGEST = 2_000
"""Longer than any address of ours. Django refuses to lead to much longer ones with an error page."""


def is_local_path(url: str) -> bool:
    if len(url) > LONGEST or not PATH.fullmatch(url):
        return False
    parts = urlsplit(url)
    return not parts.scheme and not parts.netloc


def local_path(url: str | None, otherwise: str) -> str:
    return url if url and is_local_path(url) else otherwise
