"""Which pages may open a socket: ours, to the letter.

Stricter than `AllowedHostsOriginValidator`, which takes any scheme and any port of an allowed host: a page on another port of the
same machine would reach the socket with the visitor's cookie (cross-site WebSocket hijacking, safety.md T7).
"""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


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
    return host_without_port(host) in LOOPBACK and origin == f"http://{host}"


class ExactOriginValidator:
    """ASGI wrapper around the socket routes; refuses before anything else looks at the handshake."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        if scope["type"] != "websocket":
            raise ValueError("ExactOriginValidator guards sockets only")
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(origins) == 1 and len(hosts) == 1 and self.is_allowed(origins[0], hosts[0]):
            return await self.application(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)  # type: ignore[arg-type]

    @staticmethod
    def is_allowed(origin: bytes, host: bytes) -> bool:
        try:
            text = origin.decode("ascii")
            return is_own_origin(text, host.decode("ascii").lower()) and bool(urlsplit(text).hostname)
        except ValueError:
            return False
