"""How many handshakes are answered at once: the others wait their turn, and whoever would wait too long is told to come back.

Load must never look like a refusal: a 403 says "not you" (ADR 0009). Knows handshakes, no person.
"""

import asyncio
from typing import Any

from dm_project.away import turn_away

AT_ONCE, WAITING = 64, 5_000
PATIENCE_SECONDS = 15.0


class Admission:
    """ASGI wrapper around the session; behind the origin check, so that another site's pages cannot make our visitors wait."""

    def __init__(self, application: Any, *, at_once: int = AT_ONCE, waiting: int = WAITING, patience: float = PATIENCE_SECONDS) -> None:
        self.application = application
        self.free = asyncio.Semaphore(at_once)
        self.most_waiting, self.waiting, self.patience = waiting, 0, patience

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if not await self.enter():
            await turn_away(receive, send)
            return
        is_inside = True

        def leave() -> None:
            nonlocal is_inside
            if is_inside:
                is_inside = False
                self.free.release()

        async def answering(message: dict[str, Any]) -> None:
            if message["type"] in {"websocket.accept", "websocket.close"}:
                leave()
            await send(message)

        try:
            await self.application(scope, receive, answering)
        finally:
            leave()

    async def enter(self) -> bool:
        if self.waiting >= self.most_waiting:
            return False
        self.waiting += 1
        try:
            async with asyncio.timeout(self.patience):
                await self.free.acquire()
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        return True
