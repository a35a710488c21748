"""What a handshake is told when it cannot be answered now: accepted, a `bye` with the time to come back, and 4503.

Never the bare 403: that says "not you" (ADR 0009), and a browser would have to ask the HTTP API why. Nobody is known here, so nothing else
is said.
"""

import logging
import random
from typing import Any

from django.db import InterfaceError, OperationalError

from conversations import frames
from conversations.protocol.codes import CloseCode

logger = logging.getLogger(__name__)
RETRY_MS = (2_000, 10_000)
"""Spread out: all who are turned away now come back then."""
LONGEST_MS = 30_000


def turn_away_while_away(application: Any) -> Any:
    """ASGI wrapper around the session of the sockets. Without it the session's question ends in a traceback for every browser that tries."""

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except (OperationalError, InterfaceError) as error:
            # Any other error says nothing of the database, and whoever is not known is not let in.
            # Past the handshake the consumer answers for itself, so this is always the session that could not be read.
            logger.warning("a handshake was turned away: the database is away (%s)", type(error).__name__)
            await turn_away(receive, send)

    return guarded


async def turn_away(receive: Any, send: Any, *, spread_ms: int = 0) -> None:
    """Accepted, because only so can a browser be told why. `spread_ms`: over how long they come back when RETRY_MS is too short for all."""
    if (await receive())["type"] == "websocket.disconnect":
        return
    await send({"type": "websocket.accept"})
    soonest, latest = RETRY_MS
    retry_ms = random.randint(soonest, max(latest, min(spread_ms, LONGEST_MS)))  # noqa: S311
    await send(
        {"type": "websocket.send", "text": frames.bye(CloseCode.OVERLOADED, retry_after_ms=retry_ms).encode()}
    )
    await send({"type": "websocket.close", "code": int(CloseCode.OVERLOADED)})
    while (await receive())["type"] != "websocket.disconnect":
        pass
