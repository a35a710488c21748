"""Every second asks whether everybody who is connected still may be: what no signal tells of (another process, a shell, a worker) is seen here.

Two statements for each five hundred sockets. Whoever is found without rights twice in a row is told; once could be a password change
that is giving its own session a new key at this moment (protocol.md P9).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from django.conf import settings

from accounts.session_validity import Credential, SessionStatus, revoked_sessions
from accounts.sessions import sessions_renew
from conversations.db.executor import run_query
from conversations.exceptions import Busy

logger = logging.getLogger(__name__)
RENEW_EVERY_POLLS = 10


class RevocableSocket(Protocol):
    """A socket under watch."""

    credential: Credential | None

    async def on_revoked(self, standing: SessionStatus) -> None:
        """Say goodbye: the rights this socket came in with are gone."""


class SessionMonitor:
    """The watch of one event loop. It runs while anybody is connected."""

    def __init__(self) -> None:
        self.sockets: dict[Credential, set[RevocableSocket]] = {}
        self.suspected: set[Credential] = set()
        self.task: asyncio.Task[None] | None = None

    def join(self, socket: RevocableSocket) -> None:
        if socket.credential is None:
            return
        self.sockets.setdefault(socket.credential, set()).add(socket)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self.run())

    def leave(self, socket: RevocableSocket) -> None:
        if socket.credential is None or socket.credential not in self.sockets:
            return
        self.sockets[socket.credential].discard(socket)
        if not self.sockets[socket.credential]:
            del self.sockets[socket.credential]
        if not self.sockets and self.task is not None:
            self.task.cancel()
            # Whoever joins before the cancelled task has noticed needs a new one.
            self.task = None

    async def run(self) -> None:
        polls = 0
        while self.sockets:
            await asyncio.sleep(settings.VIGIL_EVERY_MS / 1000)
            polls += 1
            try:
                await self.poll()
                if polls % RENEW_EVERY_POLLS == 0:
                    # A page that only listens uses its session, too; what was ended meanwhile is not brought back.
                    await run_query(sessions_renew, {credential.session_key for credential in self.sockets})
            except Busy:
                logger.warning("the database is away; nobody's rights can be looked at")
            except Exception:
                # Without this nobody who is connected would be watched from here on.
                logger.exception("a look at rights failed; the next one covers it")

    async def poll(self) -> None:
        found = await run_query(revoked_sessions, tuple(self.sockets))
        seen_twice = [credential for credential in found if credential in self.suspected]
        self.suspected = set(found)
        for credential in seen_twice:
            for socket in tuple(self.sockets.get(credential, ())):
                await socket.on_revoked(found[credential])


_monitors: dict[asyncio.AbstractEventLoop, SessionMonitor] = {}


def session_monitor() -> SessionMonitor:
    """The watch of the running loop; a closed loop takes its own along."""
    loop = asyncio.get_running_loop()
    for other in [known for known in _monitors if known.is_closed()]:
        del _monitors[other]
    return _monitors.setdefault(loop, SessionMonitor())
