"""How many handshakes are answered at once: the others wait their turn, and whoever would wait too long is told to come back.

Load must never look like a refusal: a 403 says "not you" (ADR 0009). Knows handshakes, no person.
"""

import asyncio
from collections import deque
from typing import Any

from dm_project.handshakes.unavailable import turn_away

AT_ONCE, WAITING = 64, 5_000
PATIENCE_SECONDS = 5.0
"""Well below the ten seconds after which browsers give up: whoever is answered later has gone, and stands in the queue once more."""
RETRY_MS_A_VISITOR = 5


class Visitor:
    """Who waits at the door. What they say meanwhile is kept for the application; above all, it is noticed when they leave."""

    def __init__(self, receive: Any) -> None:
        self.listen = receive
        self.heard: deque[dict[str, Any]] = deque()

    @property
    def is_gone(self) -> bool:
        return bool(self.heard) and self.heard[-1]["type"] in {"websocket.disconnect", "http.disconnect"}

    async def until_gone(self) -> None:
        while not self.is_gone:
            self.heard.append(await self.listen())

    async def receive(self) -> dict[str, Any]:
        """For the application, in place of the server's own."""
        return self.heard.popleft() if self.heard else await self.listen()


class Places:
    """So many at once; so many more may wait, in order and for so long."""

    def __init__(self, *, at_once: int, waiting: int, patience: float) -> None:
        self.free = asyncio.Semaphore(at_once)
        self.most_waiting, self.waiting, self.patience = waiting, 0, patience

    def leave(self) -> None:
        self.free.release()

    async def enter(self, visitor: Visitor) -> bool:
        """Wait for a place. False when it takes too long, or when the visitor has left: after a cut line half of the queue may be dead."""
        if not self.free.locked():
            return await self.free.acquire()
        if self.waiting >= self.most_waiting:
            return False
        self.waiting += 1
        turn, leaving = (
            asyncio.ensure_future(self.free.acquire()),
            asyncio.ensure_future(visitor.until_gone()),
        )
        is_let_in = False
        try:
            await asyncio.wait({turn, leaving}, timeout=self.patience, return_when=asyncio.FIRST_COMPLETED)
            is_let_in = turn.done() and not leaving.done()
        finally:
            self.waiting -= 1
            turn.cancel()
            leaving.cancel()
            # What was heard must be in its place before anybody else listens.
            await asyncio.wait({turn, leaving})
            if not is_let_in and not turn.cancelled():
                self.free.release()
        return is_let_in


class Admission(Places):
    """ASGI wrapper around the session; behind the origin check, so that another site's pages cannot make our visitors wait."""

    def __init__(
        self,
        application: Any,
        *,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        super().__init__(at_once=at_once, waiting=waiting, patience=patience)
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        visitor = Visitor(receive)
        if not await self.enter(visitor):
            if not visitor.is_gone:
                # The longer the queue, the further apart they come back.
                await turn_away(visitor.receive, send, spread_ms=RETRY_MS_A_VISITOR * self.waiting)
            return
        is_inside = True

        def leave_once() -> None:
            nonlocal is_inside
            if is_inside:
                is_inside = False
                self.leave()

        async def answering(message: dict[str, Any]) -> None:
            if message["type"] in {"websocket.accept", "websocket.close"}:
                leave_once()
            await send(message)

        try:
            await self.application(scope, visitor.receive, answering)
        finally:
            leave_once()
