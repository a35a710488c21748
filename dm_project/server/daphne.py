"""Daphne's server with back-pressure, request limits and a graceful shutdown on SIGTERM.

Shutdown order: stop listening, begin no more jobs, close every socket with a reason, finish the running
requests and jobs, flush the journal's queue. Always within ten seconds.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import defer

from dm_project.server import shutdown
from dm_project.server.backpressure import BackpressureProtocol, ReceiveQueue
from dm_project.server.bodies import BodyQueue
from dm_project.server.http import LimitedChannel

logger = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_SECONDS = 60
SOCKETS_TIMEOUT_SECONDS, REQUESTS_TIMEOUT_SECONDS, JOURNAL_TIMEOUT_SECONDS = 2.0, 8.0, 1.0
JOBS_TIMEOUT_SECONDS = 3.0
"""From the beginning of the shutdown, as for sockets and requests."""
POLL_SECONDS = 0.02


def restore_sigint_handler() -> None:
    """Twisted's handler replaces only Python's default one, which `server.command` removes while the process
    loads.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class GracefulServer(Server):  # type: ignore[misc]
    """Daphne's server. The factories are Daphne's own, with our protocols in them."""

    is_draining = False
    connections: dict[Any, dict[str, Any]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ports: list[Any] = []
        self.ready_callable = restore_sigint_handler
        # dm_project.handshakes.limit handles queued handshakes; these timeouts only end those that it never
        # answers.
        self.websocket_connect_timeout = self.websocket_handshake_timeout = HANDSHAKE_TIMEOUT_SECONDS
        # The application closes with a reason first (dm_project.server.backpressure); the base would just
        # close.
        self.max_socket_seconds: float = kwargs.get("websocket_timeout", -1)
        self.websocket_timeout = -1
        WebSocketFactory.protocol = BackpressureProtocol
        HTTPFactory.protocol = LimitedChannel

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        super().listen_success(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[Any]:
        """For a socket, with a bounded queue instead of the base's unbounded one; for a large body, with one
        that reads it from its file."""
        inbound: ReceiveQueue | BodyQueue
        if scope["type"] == "websocket":
            inbound = ReceiveQueue(protocol)
        elif protocol.body_file is not None:
            inbound = BodyQueue(protocol.body_file)
        else:
            queue: asyncio.Queue[Any] = super().create_application(protocol, scope)
            return queue
        scope.setdefault("asgi", {"version": "3.0"})
        scope["disconnected"] = inbound.disconnected
        running = self.application(
            scope=scope, receive=inbound.get, send=partial(self.handle_reply, protocol)
        )
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(running)
        return inbound

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """The base's, which buffers a response of any length for a client of any speed. Here the application
        waits until the client has taken what was sent."""
        await super().handle_reply(protocol, message)
        if message["type"] == "http.response.body" and message.get("more_body"):
            channel = protocol.channel
            if channel is not None:
                await channel.drained()

    # Shutdown

    def kill_all_applications(self) -> Any:
        """The reactor waits for this before it stops."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self.shut_down()))

    async def shut_down(self) -> None:
        self.is_draining = True
        shutdown.schedule_forced_exit()
        try:
            await self.drain()
        except Exception:
            logger.exception("graceful shutdown failed")
        await self.cancel_applications()

    async def drain(self) -> None:
        shutdown.begin()
        for port in self.ports:
            port.stopListening()
        began = time.monotonic()
        shutdown.stop_jobs()
        await shutdown.close_sockets()
        await wait_until(lambda: not shutdown.has_sockets(), began + SOCKETS_TIMEOUT_SECONDS)
        await wait_until(lambda: not self.has_requests(), began + REQUESTS_TIMEOUT_SECONDS)
        left = max(0.0, began + JOBS_TIMEOUT_SECONDS - time.monotonic())
        has_jobs = not await asyncio.to_thread(shutdown.finish_jobs, left)
        if not await asyncio.to_thread(shutdown.flush_journal, JOURNAL_TIMEOUT_SECONDS):
            logger.error(
                "the journal could not be flushed; nothing that was left in it had been acknowledged"
            )
        if has_jobs:
            await asyncio.to_thread(shutdown.release_jobs)

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


async def wait_until(condition: Callable[[], bool], deadline: float) -> None:
    # Polled, because the state that it waits for belongs to Twisted and sends no notification.
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)
