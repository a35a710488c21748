"""`python -m benchmarks.load < task.json`: the load generator; pairs write to each other, and it prints
figures as JSON.

A process of its own, the same for each server. A message counts once, when the socket of the other user has
it; what the sender gets back does not count.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.dialects import DIALECTS, Dialect
from benchmarks.meter import cpu_seconds

BODY_BYTES = 100
CONNECTS_AT_ONCE = 20
GREETING_TIMEOUT_S = 30.0


@dataclass
class Task:
    """What to do, from the parent process. `rate`: messages a second in all; 0: as fast as they are
    answered."""

    address: str
    dialect: str
    clients: list[list[dict[str, str]]]
    seconds: float
    warm_up: float
    rate: float
    processes: list[int]


class Load:
    """Counts what all clients have sent and received."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.is_open = True
        self.in_flight: dict[str, float] = {}
        self.delivered = self.repeated = self.disordered = 0
        self.latencies: list[float] = []

    def sent(self, key: str) -> None:
        self.in_flight[key] = time.perf_counter()

    def arrived(self, key: str) -> None:
        began = self.in_flight.pop(key, None)
        if began is None:
            self.repeated += 1
            return
        self.delivered += 1
        self.latencies.append(time.perf_counter() - began)


class Client:
    """The socket of one user. In the closed loop a client answers each message with another."""

    def __init__(self, load: Load, number: int, socket: ClientConnection, dialect: Dialect) -> None:
        self.load, self.number, self.socket, self.dialect = load, number, socket, dialect
        self.peer = f"{number ^ 1:04d}"
        self.written = 0
        self.newest = ""

    async def write(self) -> None:
        self.written += 1
        key = f"{self.number:04d}.{self.written:09d}"
        self.load.sent(key)
        await self.socket.send(self.dialect.write(key.ljust(BODY_BYTES, ".")))

    async def listen(self) -> None:
        answers = self.load.task.rate == 0
        async for frame in self.socket:
            body = self.dialect.read(str(frame))
            if body is None or not body.startswith(self.peer):
                continue
            key = body[:14]
            self.load.disordered += key <= self.newest
            self.newest = key
            self.load.arrived(key)
            for confirmation in self.dialect.confirm(str(frame)):
                await self.socket.send(confirmation)
            if answers and self.load.is_open:
                await self.write()


async def open_client(load: Load, number: int, login: dict[str, str], slots: asyncio.Semaphore) -> Client:
    dialect = DIALECTS[load.task.dialect](login["room"])
    headers = {"Cookie": login["cookie"]} if login["cookie"] else {}
    url = f"{load.task.address.replace('http', 'ws', 1)}/ws/chat/{login['room']}/"
    async with slots:
        socket = await connect(
            url, origin=load.task.address, additional_headers=headers, compression=None, ping_interval=None
        )  # type: ignore[arg-type]
        if dialect.has_greeting:
            await asyncio.wait_for(socket.recv(), GREETING_TIMEOUT_S)
    return Client(load, number, socket, dialect)


async def write_at_rate(clients: list[Client], rate: float) -> None:
    """Open loop: sends by the clock, whether earlier messages have arrived or not."""
    began, count = time.perf_counter(), 0
    while True:
        await asyncio.sleep(max(0.0, began + count / rate - time.perf_counter()))
        await clients[count % len(clients)].write()
        count += 1


async def run(task: Task) -> dict[str, Any]:
    load, slots = Load(task), asyncio.Semaphore(CONNECTS_AT_ONCE)
    flat = [login for pair in task.clients for login in pair]
    clients = await asyncio.gather(
        *(open_client(load, number, login, slots) for number, login in enumerate(flat))
    )
    listening = [asyncio.create_task(client.listen()) for client in clients]
    if task.rate:
        writing = asyncio.create_task(write_at_rate(clients, task.rate))
    else:
        writing = asyncio.create_task(asyncio.sleep(0))
        for client in clients:
            await client.write()
    await asyncio.sleep(task.warm_up)
    result = await measure(load)
    load.is_open = False
    writing.cancel()
    await wait_for_arrivals(load)
    result |= {"lost": len(load.in_flight), "repeated": load.repeated, "disordered": load.disordered}
    for listener in listening:
        listener.cancel()
    await asyncio.gather(*(client.socket.close() for client in clients))
    return result


async def measure(load: Load) -> dict[str, Any]:
    load.latencies.clear()
    before, count, began, own = (
        cpu_seconds(load.task.processes),
        load.delivered,
        time.perf_counter(),
        time.process_time(),
    )
    await asyncio.sleep(load.task.seconds)
    used, lasted, count = (
        cpu_seconds(load.task.processes) - before,
        time.perf_counter() - began,
        load.delivered - count,
    )
    latencies = sorted(load.latencies) or [0.0]
    return {
        "delivered": count,
        "per_second": round(count / lasted, 1),
        "cpu_ms": round(used * 1000 / max(1, count), 4),
        "cpu_cores": round(used / lasted, 3),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
        "generator_cores": round((time.process_time() - own) / lasted, 3),
    }


async def wait_for_arrivals(load: Load) -> None:
    """Wait for messages in flight when the window closes; those still missing afterwards are lost."""
    for _ in range(100):
        await asyncio.sleep(0.05)
        if not load.in_flight:
            return


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gc.disable()
    sys.stdout.write(json.dumps(asyncio.run(run(Task(**json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
