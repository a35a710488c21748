"""Daphne's server with bounds (`pressure`, `doors`) and a decent end: on SIGTERM everybody is told, and nothing that was begun is cut.

Order of the end: no new connections, a goodbye to every socket, the running requests, the journal's queue. Within ten seconds, always.
"""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import defer

from dm_project.server import shutdown
from dm_project.server.backpressure import BoundedProtocol, Inbox
from dm_project.server.http import GuardedChannel

logger = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 60
SOCKETS_SECONDS, REQUESTS_SECONDS, JOURNAL_SECONDS = 2.0, 8.0, 1.0
EXIT_SECONDS = 9.5
LOOK_SECONDS = 0.02


def leave_ctrl_c_to_twisted() -> None:
    """Its orderly end takes only the place of Python's own handler, which is away while everything loads (dm_project.server)."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class FrontServer(Server):  # type: ignore[misc]
    """Daphne as we run it. The factories are Daphne's own, with our protocols in them."""

    is_draining = False
    connections: dict[Any, dict[str, Any]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ports: list[Any] = []
        self.ready_callable = leave_ctrl_c_to_twisted
        # dm_project.handshakes.limit decides about waiting handshakes; these only end what nobody decides about.
        self.websocket_connect_timeout = self.websocket_handshake_timeout = HANDSHAKE_SECONDS
        # The application says goodbye first (dm_project.server.backpressure); the base would just close.
        self.longest_socket_seconds: float = kwargs.get("websocket_timeout", -1)
        self.websocket_timeout = -1
        WebSocketFactory.protocol = BoundedProtocol
        HTTPFactory.protocol = GuardedChannel

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        super().listen_success(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[Any]:
        """As the base, whose queue has no end, for a socket."""
        if scope["type"] != "websocket":
            queue: asyncio.Queue[Any] = super().create_application(protocol, scope)
            return queue
        inbox = Inbox(protocol)
        scope.setdefault("asgi", {"version": "3.0"})
        scope["line_ended"] = inbox.ended
        running = self.application(scope=scope, receive=inbox.get, send=partial(self.handle_reply, protocol))
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(running)
        return inbox

    # The end

    def kill_all_applications(self) -> Any:
        """The reactor waits for this before it stops."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self.end()))

    async def end(self) -> None:
        self.is_draining = True
        exit_at_last()
        try:
            await self.drain()
        except Exception:
            logger.exception("the end was not as orderly as it should be")
        await self.cancel_applications()

    async def drain(self) -> None:
        shutdown.begin()
        for port in self.ports:
            port.stopListening()
        began = time.monotonic()
        await shutdown.dismiss_sockets()
        await until(lambda: not shutdown.has_sockets(), began + SOCKETS_SECONDS)
        await until(lambda: not self.has_requests(), began + REQUESTS_SECONDS)
        if not await asyncio.to_thread(shutdown.finish_writing, JOURNAL_SECONDS):
            logger.error("the journal could not be written out; none of what was left had been acknowledged")

    def has_requests(self) -> bool:
        return any(
            isinstance(protocol, WebRequest) and "disconnected" not in state
            for protocol, state in self.connections.items()
        )

    async def cancel_applications(self) -> None:
        running = [
            state["application_instance"]
            for state in self.connections.values()
            if "application_instance" in state
        ]
        for task in running:
            task.cancel()
        await asyncio.wait([asyncio.gather(*running, return_exceptions=True)], timeout=1)


async def until(is_so: Callable[[], bool], deadline: float) -> None:
    # Looked at, not told: what it waits for lives in Twisted's books.
    while not is_so() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)


def exit_at_last() -> None:
    """Python waits for its threads for ever; a request that hangs in one must not keep the operator waiting."""
    timer = threading.Timer(EXIT_SECONDS, os._exit, [0])
    timer.daemon = True
    timer.start()
