"""Addresses that leave the site, in mails and one-time links: always built on the configured origin.

Neither Host nor X-Forwarded-Host nor Daphne-Root-Path of a request has a say in them: a forged one would send the victim's reset link
to the attacker's machine (safety.md T59).
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
    """The full address of a named route. The resolver, not `reverse`: that one adds the script prefix of the request in hand."""
    return f"{public_origin()}/{get_resolver().reverse(name, **parts)}"
