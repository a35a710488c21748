"""A TCP proxy with the faults of a network: cuts connections, or silently stops forwarding in one or both
directions.

Forwards bytes without reading them. Listens on a TCP port or a Unix socket; new connections go to the
targets in turn, skipping those that refuse.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

CONNECT_SECONDS = 5.0
FORWARD, BACK = "forward", "back"
"""From the client to the target, and from the target to the client."""


@dataclass(frozen=True, slots=True)
class Target:
    """The other side: a port of this machine, or a Unix socket."""

    port: int = 0
    path: Path | None = None


class Endpoint(asyncio.Protocol):
    """One end of a connection. Writes what it reads to the other end, as fast as that takes it."""

    def __init__(self, connection: Connection, direction: str) -> None:
        self.connection, self.direction = connection, direction
        self.transport: asyncio.Transport | None = None
        self.other: Endpoint | None = None
        self.is_full = self.is_frozen = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.connection.made(self)

    def data_received(self, data: bytes) -> None:
        self.connection.used_at = time.monotonic()
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.connection.lost(self)

    # Back-pressure: pause the other end, or a stalled reader would fill our memory instead of the server's.

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.is_full = True
            self.other.adjust()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.is_full = False
            self.other.adjust()

    def adjust(self) -> None:
        """Read, or leave the data in the kernel, as a network that drops packets does."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        may_read = not (self.is_full or self.is_frozen)
        if may_read and not transport.is_reading():
            transport.resume_reading()
        elif not may_read and transport.is_reading():
            transport.pause_reading()


class Connection:
    """One connection through the proxy: the client's endpoint and the target's."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.client = Endpoint(self, FORWARD)
        self.server = Endpoint(self, BACK)
        self.target: Target | None = None
        self.has_ended = False
        self.used_at = time.monotonic()

    def made(self, endpoint: Endpoint) -> None:
        if endpoint is self.client:
            self.proxy.connections.add(self)
            # Read nothing before the target is connected.
            assert endpoint.transport is not None
            endpoint.transport.pause_reading()
            self.proxy.start(self.join())

    async def join(self) -> None:
        self.target = await self.proxy.connect(self.server)
        if self.target is None or self.has_ended:
            self.cut()
            return
        self.client.other, self.server.other = self.server, self.client
        self.freeze(self.proxy.frozen)

    def freeze(self, directions: frozenset[str]) -> None:
        for endpoint in (self.client, self.server):
            endpoint.is_frozen = endpoint.direction in directions
            endpoint.adjust()
        if not directions and self.has_ended:
            self.cut()

    def lost(self, endpoint: Endpoint) -> None:
        """One end has closed. Close the other, unless the network forwards nothing."""
        self.has_ended = True
        other = self.server if endpoint is self.client else self.client
        if not self.proxy.frozen and other.transport is not None:
            other.transport.close()
        if all(end.transport is None or end.transport.is_closing() for end in (self.client, self.server)):
            self.proxy.connections.discard(self)

    def cut(self) -> None:
        """Abort both ends, as a router that reboots does."""
        self.has_ended = True
        for endpoint in (self.client, self.server):
            if endpoint.transport is not None:
                endpoint.transport.abort()
        self.proxy.connections.discard(self)


class Proxy:
    """Use as an asynchronous context manager.

    Args:
        targets: used in turn, one for each new connection.
        path: listen on this Unix socket instead of a port.
    """

    def __init__(self, targets: Sequence[Target], path: Path | None = None) -> None:
        self.targets = list(targets)
        self.path = path
        self.port = 0
        self.connections: set[Connection] = set()
        self.frozen: frozenset[str] = frozenset()
        self.is_refusing = False
        self.turn = 0
        self.listener: asyncio.Server | None = None
        self.tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Proxy:
        loop = asyncio.get_running_loop()
        if self.path is not None:
            self.listener = await loop.create_unix_server(self.accept, str(self.path))
        else:
            self.listener = await loop.create_server(self.accept, "127.0.0.1", 0, backlog=4096)
            self.port = int(self.listener.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.listener is not None
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        self.cut()

    def accept(self) -> Endpoint:
        return Connection(self).client

    def start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def connect(self, endpoint: Endpoint) -> Target | None:
        """Connect to the next target that accepts a connection; None when none does."""
        loop = asyncio.get_running_loop()
        for _ in range(0 if self.is_refusing else len(self.targets)):
            self.turn += 1
            target = self.targets[self.turn % len(self.targets)]
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    if target.path is not None:
                        await loop.create_unix_connection(lambda: endpoint, str(target.path))
                    else:
                        await loop.create_connection(lambda: endpoint, "127.0.0.1", target.port)
                return target
        return None

    # Faults

    def cut(self, target: Target | None = None) -> int:
        """End every connection (to this target) without a close frame. Returns how many."""
        chosen = [
            connection for connection in self.connections if target is None or connection.target is target
        ]
        for connection in chosen:
            connection.cut()
        return len(chosen)

    async def cut_idle(self, seconds: float) -> None:
        """End every connection that was idle for so long, as proxies do, until cancelled."""
        while True:
            await asyncio.sleep(1)
            for connection in [
                connection
                for connection in self.connections
                if time.monotonic() - connection.used_at > seconds
            ]:
                connection.cut()

    async def reload(self) -> None:
        """New connections go to a new listener; the old ones are cut, as nginx does when its old workers
        end."""
        assert self.listener is not None
        self.listener.close()
        self.listener = await asyncio.get_running_loop().create_server(
            self.accept, "127.0.0.1", self.port, backlog=4096
        )
        self.cut()

    def refuse(self) -> None:
        """Cut open connections and refuse new ones."""
        self.is_refusing = True
        self.cut()

    def freeze(self, *directions: str) -> None:
        """Forward nothing in these directions (both by default), without FIN or RST."""
        self.frozen = frozenset(directions or (FORWARD, BACK))
        for connection in tuple(self.connections):
            connection.freeze(self.frozen)

    def heal(self) -> None:
        """Forward again what waited; connections that ended meanwhile are ended now."""
        self.is_refusing = False
        self.frozen = frozenset()
        for connection in tuple(self.connections):
            connection.freeze(self.frozen)
