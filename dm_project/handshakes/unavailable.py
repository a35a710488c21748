"""Temporary unavailability: a handshake is accepted, then closed with a retry time (`bye`) and code 4503.

Never the bare 403: that says "not you" (ADR 0009), and a browser would have to ask the HTTP API for the
reason. The client is not identified yet, so nothing else is sent.
"""

import logging
import random
from typing import Any

from django.db import InterfaceError, OperationalError

from conversations import frames
from conversations.protocol.codes import CloseCode

logger = logging.getLogger(__name__)
RETRY_MS = (2_000, 10_000)
"""Spread out: all clients that are closed now reconnect then."""
MAX_RETRY_MS = 30_000


def close_on_database_error(application: Any) -> Any:
    """ASGI middleware around the session of sockets.

    Without it the session query ends in a traceback for every attempt.
    """

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except (OperationalError, InterfaceError) as error:
            # Only these errors mean that the database is unavailable. After the handshake the consumer
            # handles its own errors, so it is always the session that could not be read.
            logger.warning("handshake deferred: the database is unavailable (%s)", type(error).__name__)
            await close_with_retry(receive, send)

    return guarded


async def close_with_retry(receive: Any, send: Any, *, spread_ms: int = 0) -> None:
    """Accepts first, because only then can a browser read the reason.

    Args:
        spread_ms: the time over which clients retry, where RETRY_MS is too short for all of them.
    """
    if (await receive())["type"] == "websocket.disconnect":
        return
    await send({"type": "websocket.accept"})
    soonest, latest = RETRY_MS
    retry_ms = random.randint(soonest, max(latest, min(spread_ms, MAX_RETRY_MS)))  # noqa: S311
    await send(
        {"type": "websocket.send", "text": frames.bye(CloseCode.OVERLOADED, retry_after_ms=retry_ms).encode()}
    )
    await send({"type": "websocket.close", "code": int(CloseCode.OVERLOADED)})
    while (await receive())["type"] != "websocket.disconnect":
        pass
