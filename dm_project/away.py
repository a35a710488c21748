"""What a handshake is told while the database is away: the bare refusal of everybody whom we do not know.

Without it the session's question ends in a traceback for every browser that tries, and each tries again and again.
"""

import logging
from typing import Any

from channels.security.websocket import WebsocketDenier
from django.db import Error

logger = logging.getLogger(__name__)


def refuse_while_away(application: Any) -> Any:
    """ASGI wrapper around the session of the sockets. The browser then asks the HTTP API why, and is told when to come back."""

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> Any:
        try:
            return await application(scope, receive, send)
        except Error as error:
            # Past the handshake the consumer answers for itself, so this is always the session that could not be read.
            logger.warning("a handshake was refused: the database is away (%s)", type(error).__name__)
            return await WebsocketDenier()(scope, receive, send)  # type: ignore[arg-type]

    return guarded
