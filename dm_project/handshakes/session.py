"""Session authentication of WebSocket handshakes, by the same rule as for pages (accounts.identity).

Outside and inside of Channels' AuthMiddlewareStack, which on its own queries the database for any cookie
value, ignores SECRET_KEY_FALLBACKS, flushes sessions that fail verification, and lets anonymous clients
through.
"""

import logging
from typing import Any

from channels.db import database_sync_to_async
from channels.security.websocket import WebsocketDenier
from django.db import InterfaceError, OperationalError
from django.http import parse_cookie

from accounts.identity import account_of_session
from accounts.models import User
from accounts.sessions import SessionStore, session_keys_in

logger = logging.getLogger(__name__)


class HandshakeSession(SessionStore):
    """The session of a handshake: read, never flushed.

    Channels flushes one that was signed with an older SECRET_KEY.
    """

    # The name of Django's class. With the default, this class's own name, no session could be read.
    key_salt = "django.contrib.sessions.SessionStore"
    is_authenticated = False
    """Set when the routes are reached: a later error is the consumer's, not one of authentication."""

    def flush(self) -> None:
        pass


class SessionFromCookie:
    """ASGI middleware outside of AuthMiddlewareStack: puts `session` into the scope.

    Rejects a client without a well-formed key.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        cookies = [value for name, value in scope["headers"] if name == b"cookie"]
        keys = session_keys_in(parse_cookie(b"; ".join(cookies).decode("latin-1")))
        if not keys:
            return await deny(scope, receive, send)
        session = HandshakeSession(keys[0], keys[1:])
        try:
            return await self.application({**scope, "session": session}, receive, send)
        except (OperationalError, InterfaceError):
            # The database is unavailable, which says nothing about this client
            # (dm_project.handshakes.unavailable).
            raise
        except Exception:
            if session.is_authenticated:
                raise
            logger.exception("handshake rejected: the session could not be read")
            return await deny(scope, receive, send)


class AuthenticatedOnly:
    """ASGI middleware inside of AuthMiddlewareStack: rejects clients that are not logged in."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        user = getattr(scope["user"], "_wrapped", scope["user"])
        if not user.is_authenticated:
            # The session may be signed with an older SECRET_KEY, which Channels does not know.
            user = await load_user(scope["session"])
        if user is None:
            return await deny(scope, receive, send)
        scope["session"].is_authenticated = True
        return await self.application({**scope, "user": user}, receive, send)


async def deny(scope: dict[str, Any], receive: Any, send: Any) -> Any:
    return await WebsocketDenier()(scope, receive, send)  # type: ignore[arg-type]


@database_sync_to_async
def load_user(session: SessionStore) -> User | None:
    return account_of_session(session)[0]
