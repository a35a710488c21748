"""Who opens a socket: the session cookie of the handshake, read by the same rule as a page's (accounts.identity).

In place of Channels' AuthMiddlewareStack, which knows no SECRET_KEY_FALLBACKS, ends sessions that do not fit, and asks the database for
whatever a cookie says.
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


class SocketIdentity:
    """ASGI wrapper around the routes of sockets: `user` and `session` in their scope. Nobody gets further without being known."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        cookies = [value for name, value in scope["headers"] if name == b"cookie"]
        keys = session_keys_in(parse_cookie(b"; ".join(cookies).decode("latin-1")))
        user = None
        if keys:
            session = SessionStore(keys[0], keys[1:])
            try:
                user = await find(session)
            except (OperationalError, InterfaceError):
                # The database is away, which says nothing of this visitor (dm_project.away).
                raise
            except Exception:
                logger.exception("a handshake was refused: its session could not be read")
        if user is None:
            return await WebsocketDenier()(scope, receive, send)  # type: ignore[arg-type]
        return await self.application({**scope, "user": user, "session": session}, receive, send)


@database_sync_to_async
def find(session: SessionStore) -> User | None:
    return person_of(session)[0]
