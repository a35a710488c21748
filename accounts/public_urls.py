"""Public URLs for emails and one-time links: always built from the configured origin.

Host, X-Forwarded-Host and Daphne-Root-Path of a request are ignored: a forged header would send the victim's
reset link to the attacker's server (docs/threats.md T59).
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import get_resolver


def public_origin() -> str:
    return settings.PUBLIC_ORIGIN or f"http://127.0.0.1:{settings.PORT}"


def public_host() -> str:
    return urlsplit(public_origin()).netloc


def public_link(name: str, **parts: Any) -> str:
    """The absolute URL of a named route, without the script prefix of the request that `reverse` adds."""
    return f"{public_origin()}/{get_resolver().reverse(name, **parts)}"
