"""How many HTTP requests are worked on at once. The others wait for a short time, then are asked to come back (503, Retry-After).

Django gives each request a thread of its own, and the server takes requests as fast as they come: without a bound, a few hundred at one
instant are a few hundred threads, each with its memory and its database connection.

Nothing can wait for itself here: a place belongs to a whole request, and no request makes another one.
"""

import asyncio
from typing import Any

from dm_project.handshakes.limit import Places, Visitor
from dm_project.refusals import refusal

RETRY_AFTER_S = 5
HEALTH = frozenset({"/healthz", "/readyz", "/metrics"})
PASSWORD_AREAS = ("/accounts/", "/admin/")
PASSWORD_ANSWER_SECONDS = 0.3
"""No answer of a form that may have hashed a password leaves earlier. An account that is not there, one that is, and one whose old hash
takes longer than today's are then answered in the same time (safety.md T23). Nobody's thread waits for it."""


class RequestLimit:
    """ASGI wrapper around Django. Three queues: a flood of log-ins must not hold up pages, nor either of them the health checks."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.pages = Places(at_once=16, waiting=256, patience=5.0)
        self.passwords = Places(at_once=4, waiting=64, patience=5.0)
        self.health = Places(at_once=2, waiting=32, patience=5.0)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] in HEALTH:
            await self.serve(self.health, scope, receive, send)
        elif scope["method"].upper() == "POST" and scope["path"].startswith(PASSWORD_AREAS):
            held = Held()
            await self.serve(self.passwords, scope, receive, held.take)
            await held.hand_out(send)
        else:
            await self.serve(self.pages, scope, receive, send)

    async def serve(self, places: Places, scope: dict[str, Any], receive: Any, send: Any) -> None:
        visitor = Visitor(receive)
        if not await places.enter(visitor):
            if not visitor.is_gone:
                await refuse(send, scope["path"])
            return
        try:
            await self.application(scope, visitor.receive, send)
        finally:
            places.leave()


class Held:
    """Keeps an answer until it is time."""

    def __init__(self) -> None:
        self.due = asyncio.get_running_loop().time() + PASSWORD_ANSWER_SECONDS
        self.messages: list[dict[str, Any]] = []

    async def take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    async def hand_out(self, send: Any) -> None:
        await asyncio.sleep(self.due - asyncio.get_running_loop().time())
        for message in self.messages:
            await send(message)


async def refuse(send: Any, path: str) -> None:
    sentence = "Too many requests at this moment. Try again in a few seconds."
    headers, content = refusal(503, sentence, path=path, retry_after_s=RETRY_AFTER_S)
    raw = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": 503, "headers": raw})
    await send({"type": "http.response.body", "body": content})
