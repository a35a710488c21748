"""A small proxy that can do to a connection what networks do: cut it, stop carrying one or both ways without a word, and carry on.

Carries bytes and knows nothing of them. Listens on a TCP port or a Unix socket and takes its targets in turn, past those that refuse.
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
    """Where lines lead: a port of this machine, or a Unix socket."""

    port: int = 0
    path: Path | None = None


class Half(asyncio.Protocol):
    """One end of a line. What it reads is written to the other end, as fast as that takes it."""

    def __init__(self, line: Line, direction: str) -> None:
        self.line, self.direction = line, direction
        self.transport: asyncio.Transport | None = None
        self.other: Half | None = None
        self.is_full = self.is_frozen = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.line.made(self)

    def data_received(self, data: bytes) -> None:
        self.line.used_at = time.monotonic()
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.line.lost(self)

    # The other end writes into this one faster than it takes: let the other end wait, or a reader that stalls would fill our memory
    # instead of the server's.

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.is_full = True
            self.other.adjust()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.is_full = False
            self.other.adjust()

    def adjust(self) -> None:
        """Read, or leave what comes in the kernel, where a network that drops packets leaves it."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        may_read = not (self.is_full or self.is_frozen)
        if may_read and not transport.is_reading():
            transport.resume_reading()
        elif not may_read and transport.is_reading():
            transport.pause_reading()


class Line:
    """One connection through the proxy: the client's half and the target's."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.client = Half(self, FORWARD)
        self.server = Half(self, BACK)
        self.target: Target | None = None
        self.has_ended = False
        self.used_at = time.monotonic()

    def made(self, half: Half) -> None:
        if half is self.client:
            self.proxy.lines.add(self)
            # Nothing is read before there is somebody to hand it to.
            assert half.transport is not None
            half.transport.pause_reading()
            self.proxy.start(self.join())

    async def join(self) -> None:
        self.target = await self.proxy.connect(self.server)
        if self.target is None or self.has_ended:
            self.cut()
            return
        self.client.other, self.server.other = self.server, self.client
        self.freeze(self.proxy.frozen)

    def freeze(self, directions: frozenset[str]) -> None:
        for half in (self.client, self.server):
            half.is_frozen = half.direction in directions
            half.adjust()
        if not directions and self.has_ended:
            self.cut()

    def lost(self, half: Half) -> None:
        """One end is gone. The other hears of it, unless the network carries nothing."""
        self.has_ended = True
        other = self.server if half is self.client else self.client
        if not self.proxy.frozen and other.transport is not None:
            other.transport.close()
        if all(end.transport is None or end.transport.is_closing() for end in (self.client, self.server)):
            self.proxy.lines.discard(self)

    def cut(self) -> None:
        """At once, both ends, as a router that reboots does."""
        self.has_ended = True
        for half in (self.client, self.server):
            if half.transport is not None:
                half.transport.abort()
        self.proxy.lines.discard(self)


class Proxy:
    """Use as an asynchronous context manager.

    Args:
        targets: taken in turn for each new line.
        path: listen on this Unix socket instead of a port.
    """

    def __init__(self, targets: Sequence[Target], path: Path | None = None) -> None:
        self.targets = list(targets)
        self.path = path
        self.port = 0
        self.lines: set[Line] = set()
        self.frozen: frozenset[str] = frozenset()
        self.is_refusing = False
        self.turn = 0
        self.listener: asyncio.Server | None = None
        self.tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Proxy:
        loop = asyncio.get_running_loop()
        if self.path is not None:
            self.listener = await loop.create_unix_server(self.take, str(self.path))
        else:
            self.listener = await loop.create_server(self.take, "127.0.0.1", 0, backlog=4096)
            self.port = int(self.listener.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.listener is not None
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        self.cut()

    def take(self) -> Half:
        return Line(self).client

    def start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def connect(self, half: Half) -> Target | None:
        """The next target that takes a line; None when none does."""
        loop = asyncio.get_running_loop()
        for _ in range(0 if self.is_refusing else len(self.targets)):
            self.turn += 1
            target = self.targets[self.turn % len(self.targets)]
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    if target.path is not None:
                        await loop.create_unix_connection(lambda: half, str(target.path))
                    else:
                        await loop.create_connection(lambda: half, "127.0.0.1", target.port)
                return target
        return None

    # Faults

    def cut(self, target: Target | None = None) -> int:
        """End every line (to this target) without a goodbye. Returns how many."""
        chosen = [line for line in self.lines if target is None or line.target is target]
        for line in chosen:
            line.cut()
        return len(chosen)

    async def cut_idle(self, seconds: float) -> None:
        """End every line on which nothing was said for so long, as proxies do, until cancelled."""
        while True:
            await asyncio.sleep(1)
            for line in [line for line in self.lines if time.monotonic() - line.used_at > seconds]:
                line.cut()

    async def reload(self) -> None:
        """New lines are taken by somebody else from now on; the old ones are ended, as nginx does it when its old workers' time is over."""
        assert self.listener is not None
        self.listener.close()
        self.listener = await asyncio.get_running_loop().create_server(
            self.take, "127.0.0.1", self.port, backlog=4096
        )
        self.cut()

    def refuse(self) -> None:
        """The way is gone: what is open is cut, and nothing new gets through."""
        self.is_refusing = True
        self.cut()

    def freeze(self, *directions: str) -> None:
        """Carry nothing in these directions (both, when none is named), and tell nobody: no FIN, no RST."""
        self.frozen = frozenset(directions or (FORWARD, BACK))
        for line in tuple(self.lines):
            line.freeze(self.frozen)

    def heal(self) -> None:
        """Carry again what waited; lines that ended meanwhile are ended now."""
        self.is_refusing = False
        self.frozen = frozenset()
        for line in tuple(self.lines):
            line.freeze(self.frozen)
