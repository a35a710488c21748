"""Which pages may open a socket: ours, to the letter.

Stricter than `AllowedHostsOriginValidator`, which takes any scheme and any port of an allowed host: a page on another port of the
same machine would reach the socket with the visitor's cookie (cross-site WebSocket hijacking, safety.md T7).
"""

import logging
import time
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings

logger = logging.getLogger(__name__)
WORD_SECONDS = 60.0


def host_without_port(host: str) -> str:
    return host.rsplit(":", 1)[0] if ":" in host.rpartition("]")[2] else host


def is_own_origin(origin: str, host: str) -> bool:
    """Is `origin` exactly the page origin of this service?

    Args:
        origin: the Origin header, as sent.
        host: the Host header of the same handshake; believed only while it names this very machine and no public address is configured.
    """
    if settings.PUBLIC_ORIGIN:
        return origin == settings.PUBLIC_ORIGIN
    return host_without_port(host) in settings.LOCAL_HOSTS and origin == f"http://{host}"


class ExactOriginValidator:
    """ASGI wrapper around the socket routes; refuses before anything else looks at the handshake."""

    next_word = 0.0

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        if scope["type"] != "websocket":
            raise ValueError("ExactOriginValidator guards sockets only")
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(origins) == 1 and len(hosts) == 1 and self.is_allowed(origins[0], hosts[0]):
            return await self.application(scope, receive, send)
        self.tell(origins)
        return await WebsocketDenier()(scope, receive, send)  # type: ignore[arg-type]

    def tell(self, origins: list[bytes]) -> None:
        """An operator who forgot PUBLIC_URL, or wrote it with another scheme or port, finds the reason in the log; once a minute is enough."""
        now = time.monotonic()
        if now >= self.next_word:
            self.next_word = now + WORD_SECONDS
            named = origins[0][:100] if origins else b"nowhere"
            own = settings.PUBLIC_ORIGIN or "this machine (PUBLIC_URL is not set)"
            logger.warning(
                "a socket was refused: its page is at %r, and PUBLIC_URL says %s",
                named.decode("latin-1"),
                own,
            )

    @staticmethod
    def is_allowed(origin: bytes, host: bytes) -> bool:
        try:
            text = origin.decode("ascii")
            return is_own_origin(text, host.decode("ascii").lower()) and bool(urlsplit(text).hostname)
        except ValueError:
            return False
