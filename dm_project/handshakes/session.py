"""Who opens a socket: the session cookie of the handshake, read by the same rule as a page's (accounts.identity).

Around and inside of Channels' AuthMiddlewareStack, which by itself asks the database for whatever a cookie says, knows no
SECRET_KEY_FALLBACKS, ends sessions that do not fit, and lets anonymous visitors through.
"""

import logging
from typing import Any

from channels.db import database_sync_to_async
from channels.security.websocket import WebsocketDenier
from django.db import InterfaceError, OperationalError
from django.http import parse_cookie

from accounts.identity import person_of
from accounts.models import User
from accounts.sessions import SessionStore, session_keys_in

logger = logging.getLogger(__name__)


class HandshakeSession(SessionStore):
    """The session of a handshake: read, never ended. Channels flushes one whose seal was made with an older SECRET_KEY."""

    key_salt = "django.contrib.sessions.SessionStore"  # of the pages' class: with this one's own name no session could be read
    is_known = False
    """The routes were reached: an error from here on is the consumer's, not that of finding out who this is."""

    def flush(self) -> None:
        pass


class SessionFromCookie:
    """ASGI wrapper outside of AuthMiddlewareStack: `session` in the scope. Without a key of the right form nobody gets further."""

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
            # The database is away, which says nothing of this visitor (dm_project.handshakes.unavailable).
            raise
        except Exception:
            if session.is_known:
                raise
            logger.exception("a handshake was refused: its session could not be read")
            return await deny(scope, receive, send)


class SignedInOnly:
    """ASGI wrapper inside of AuthMiddlewareStack: nobody reaches the routes without being known."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        user = getattr(scope["user"], "_wrapped", scope["user"])
        if not user.is_authenticated:
            # Perhaps a seal that was made with an older SECRET_KEY, which Channels does not know.
            user = await find(scope["session"])
        if user is None:
            return await deny(scope, receive, send)
        scope["session"].is_known = True
        return await self.application({**scope, "user": user}, receive, send)


async def deny(scope: dict[str, Any], receive: Any, send: Any) -> Any:
    return await WebsocketDenier()(scope, receive, send)  # type: ignore[arg-type]


@database_sync_to_async
def find(session: SessionStore) -> User | None:
    return person_of(session)[0]
