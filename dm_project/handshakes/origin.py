"""Origin check of WebSocket handshakes: only pages of this exact origin may open a socket.

Stricter than `AllowedHostsOriginValidator`, which accepts any scheme and any port of an allowed host: a page
on another port of the same machine would reach the socket with the user's cookie (cross-site WebSocket
hijacking, docs/threats.md T7).
"""

import logging
import time
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings

logger = logging.getLogger(__name__)
WARNING_INTERVAL_SECONDS = 60.0


def host_without_port(host: str) -> str:
    return host.rsplit(":", 1)[0] if ":" in host.rpartition("]")[2] else host


def is_own_origin(origin: str, host: str) -> bool:
    """Whether `origin` is exactly the page origin of this service.

    Args:
        origin: the Origin header, as sent.
        host: the Host header of the same handshake; trusted only while it names this machine and no public
            address is configured.
    """
    if settings.PUBLIC_ORIGIN:
        return origin == settings.PUBLIC_ORIGIN
    return host_without_port(host) in settings.LOCAL_HOSTS and origin == f"http://{host}"


class ExactOriginValidator:
    """ASGI middleware around the socket routes; rejects before anything else handles the handshake."""

    next_warning_at = 0.0

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        if scope["type"] != "websocket":
            raise ValueError("ExactOriginValidator guards sockets only")
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(origins) == 1 and len(hosts) == 1 and self.is_allowed(origins[0], hosts[0]):
            return await self.application(scope, receive, send)
        self.log_rejection(origins)
        return await WebsocketDenier()(scope, receive, send)  # type: ignore[arg-type]

    def log_rejection(self, origins: list[bytes]) -> None:
        """At most once a minute, for an operator who forgot PUBLIC_URL or mistyped its scheme or port."""
        now = time.monotonic()
        if now >= self.next_warning_at:
            self.next_warning_at = now + WARNING_INTERVAL_SECONDS
            named = origins[0][:100] if origins else b"no origin"
            own = settings.PUBLIC_ORIGIN or "not set (only this machine is allowed)"
            logger.warning(
                "handshake rejected: the page is at %r, and PUBLIC_URL is %s",
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
