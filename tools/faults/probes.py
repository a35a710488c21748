"""Measuring instruments of rows: memory of processes, bare sockets, a stream of numbered messages."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tools.faults.crowd import Crowd
from tools.faults.figures import Figures
from tools.faults.history import History, percentile
from tools.faults.rigs import Rig
from tools.faults.world import World

MEBIBYTE = 1024 * 1024
METRICS_TOKEN = "for-the-faults-only"
NEIGHBOURS = 20
NEIGHBOURS_A_SECOND = 40.0


@asynccontextmanager
async def own_rig(
    world: World, pairs: int, devices: int = 2, **values: str
) -> AsyncIterator[tuple[Rig, list[dict[str, Any]]]]:
    """A new rig of the same kind without connections, while the usual crowd is silent."""
    world.crowd.is_writing = False
    async with Rig(world.rig.name, METRICS_TOKEN=METRICS_TOKEN, **values) as rig:
        yield rig, await rig.people(pairs, devices)


@asynccontextmanager
async def neighbours(
    rig: Rig, conversations: list[dict[str, Any]], rng: random.Random
) -> AsyncIterator[Crowd]:
    """Pairs that write at a steady pace, whose latency is compared."""
    async with Crowd(
        History(), conversations, address=rig.address, rate=NEIGHBOURS_A_SECOND, rng=rng
    ) as crowd:
        await crowd.all_live(60)
        crowd.is_writing = True
        await asyncio.sleep(2)
        yield crowd


def memory(rig: Rig, index: int | None = None) -> int:
    """Resident bytes of the processes, or of one of them."""
    found = [
        process
        for number, process in enumerate(rig.server.processes)
        if process is not None and index in {None, number}
    ]
    return sum(resident(process.pid) for process in found)


def resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


class Peak:
    """The peak of resident memory of one process during the block."""

    def __init__(self, rig: Rig, index: int = 0) -> None:
        self.rig, self.index = rig, index
        self.before = self.most = memory(rig, index)

    async def __aenter__(self) -> Peak:
        self.task = asyncio.ensure_future(self.look())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()

    async def look(self) -> None:
        while True:
            self.most = max(self.most, memory(self.rig, self.index))
            await asyncio.sleep(0.1)

    @property
    def growth(self) -> float:
        return (self.most - self.before) / MEBIBYTE


async def metric(rig: Rig, name: str, index: int = 0) -> float:
    """The value of one line of /metrics, 0 while it is missing."""
    # Without `verify=False` each client reads all CA certificates, which blocks our event loop for 30 ms.
    async with httpx.AsyncClient(trust_env=False, timeout=10, verify=False) as http:
        answer = await http.get(
            f"{rig.server.address_of(index)}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
        )
    return next(
        (float(line.rpartition(" ")[2]) for line in answer.text.splitlines() if line.startswith(f"{name} ")),
        0.0,
    )


async def bare_socket(
    rig: Rig, cookie: str, *, index: int | None = None, receive_bytes: int = 0, max_queue: int | None = None
) -> ClientConnection:
    """A greeted socket without a client around it; to one process, bypassing the proxy, with `index`.

    Args:
        receive_bytes: a small kernel buffer for a reader that will stall; by default the kernel buffers
        megabytes.
    """
    address = rig.address if index is None else rig.server.address_of(index)
    sock = socket.socket()
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", urlsplit(address).port or 0))
    found = await connect(
        f"{address.replace('http', 'ws', 1)}/ws/",
        sock=sock,
        additional_headers={"Cookie": cookie, "Origin": address},
        compression=None,
        proxy=None,
        ping_interval=None,
        max_queue=max_queue,
        close_timeout=1,
    )
    await found.recv()
    return found


class Stream:
    """Writes numbered messages into one room without waiting for replies. `stored` is what was
    acknowledged."""

    def __init__(self, socket: ClientConnection, room: str, body: str = "") -> None:
        self.socket, self.room, self.body = socket, room, body
        self.stored: dict[int, str] = {}
        self.sent = 0
        self.refused = 0
        self.receiving = asyncio.ensure_future(self.receive())

    async def receive(self) -> None:
        async for text in self.socket:
            frame = json.loads(text)
            if frame["type"] == "message.accepted":
                self.stored[frame["seq"]] = frame["id"]
            self.refused += frame["type"] == "error"

    async def write(self, count: int, rate: float = 0.0) -> None:
        """Write so many at this rate (0: as fast as possible); returns when each has its reply."""
        began, first = time.monotonic(), self.sent
        while self.sent - first < count:
            due = count if not rate else min(count, int((time.monotonic() - began) * rate) + 1)
            while self.sent - first < due:
                self.sent += 1
                await self.socket.send(
                    json.dumps(
                        {
                            "type": "message.send",
                            "room": self.room,
                            "id": str(uuid4()),
                            "body": f"{self.sent} {self.body}",
                        }
                    )
                )
            await asyncio.sleep(0.005)
        while len(self.stored) + self.refused < self.sent and not self.receiving.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        await self.socket.close()
        with suppress(Exception):
            await self.receiving


def compare(
    figures: Figures, name: str, crowd: Crowd, before: tuple[float, float], during: tuple[float, float]
) -> None:
    """Acks and deliveries of the neighbours in two periods; the 99th percentile may be a fifth slower."""
    for what, samples in (("acks", crowd.history.acks), ("deliveries", crowd.history.deliveries)):
        old, new = samples.since(*before), samples.since(*during)
        usual = percentile(old, 0.99) * 1000
        figures.add(f"neighbours' {what} before p50", percentile(old, 0.5) * 1000, "ms")
        figures.add("p99", usual, "ms")
        figures.add(f"{name} p50", percentile(new, 0.5) * 1000, "ms")
        figures.add("p99", percentile(new, 0.99) * 1000, "ms", goal=round(usual * 1.2, 1))
