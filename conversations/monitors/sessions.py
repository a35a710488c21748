"""Session monitor: polls for sessions and accounts that lost access without a signal reaching this process.

Another process, a shell or a worker may have ended them. One poll costs two statements for each five hundred
sockets. A socket is closed when two polls in a row found its credential invalid; once could be a password
change that is giving its own session a new key at this moment (docs/protocol.md P9).
"""

from __future__ import annotations

import logging
from typing import Protocol

from django.conf import settings

from accounts.session_validity import Credential, SessionStatus, revoked_sessions
from accounts.sessions import sessions_renew
from conversations.db.executor import run_query
from conversations.monitors.periodic import PeriodicTask, PerLoop

logger = logging.getLogger(__name__)
RENEW_EVERY_POLLS = 10


class RevocableSocket(Protocol):
    """A socket that is closed when its credential loses its rights."""

    credential: Credential | None

    async def on_revoked(self, status: SessionStatus) -> None:
        """Close with a reason: the rights with which this socket connected are gone."""


class SessionMonitor:
    """Watches the credentials of one event loop's sockets; polls while at least one is connected."""

    def __init__(self) -> None:
        self.sockets: dict[Credential, set[RevocableSocket]] = {}
        self.suspected: set[Credential] = set()
        """Credentials that the last poll found invalid."""
        self.polls = 0
        self.task = PeriodicTask(
            self.run,
            seconds=lambda: settings.VIGIL_EVERY_MS / 1000,
            logger=logger,
            name="the check of sessions",
        )

    def join(self, socket: RevocableSocket) -> None:
        if socket.credential is not None:
            self.sockets.setdefault(socket.credential, set()).add(socket)
            self.task.start()

    def leave(self, socket: RevocableSocket) -> None:
        if socket.credential is None or socket.credential not in self.sockets:
            return
        self.sockets[socket.credential].discard(socket)
        if not self.sockets[socket.credential]:
            del self.sockets[socket.credential]
        if not self.sockets:
            self.task.stop()

    async def run(self) -> None:
        self.polls += 1
        await self.poll()
        if self.polls % RENEW_EVERY_POLLS == 0:
            # A page that only listens uses its session, too. Sessions that ended meanwhile are not renewed.
            await run_query(sessions_renew, {credential.session_key for credential in self.sockets})

    async def poll(self) -> None:
        found = await run_query(revoked_sessions, tuple(self.sockets))
        found_twice = [credential for credential in found if credential in self.suspected]
        self.suspected = set(found)
        for credential in found_twice:
            for socket in tuple(self.sockets.get(credential, ())):
                await socket.on_revoked(found[credential])


session_monitor = PerLoop(SessionMonitor)
