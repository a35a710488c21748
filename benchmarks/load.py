"""`python -m benchmarks.load < order.json`: pairs that write to each other; prints what came of it as JSON.

A process of its own, the same for every server. A message counts once, when the other person's socket has it; what the writer hears
back counts nothing.
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
PATIENCE_S = 30.0


@dataclass
class Order:
    """What to do, as the parent process wrote it. `rate` is messages a second of all together; 0 means: as fast as they are answered."""

    address: str
    dialect: str
    seats: list[list[dict[str, str]]]
    seconds: float
    warm_up: float
    rate: float
    processes: list[int]


class Load:
    """Counts what all sides have sent and got."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.is_open = True
        self.on_the_way: dict[str, float] = {}
        self.delivered = self.repeated = self.disordered = 0
        self.latencies: list[float] = []

    def sent(self, key: str) -> None:
        self.on_the_way[key] = time.perf_counter()

    def arrived(self, key: str) -> None:
        began = self.on_the_way.pop(key, None)
        if began is None:
            self.repeated += 1
            return
        self.delivered += 1
        self.latencies.append(time.perf_counter() - began)


class Side:
    """One person's socket. In the closed loop whoever gets a message answers it with one."""

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
        answers = self.load.order.rate == 0
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


async def open_side(load: Load, number: int, seat: dict[str, str], gate: asyncio.Semaphore) -> Side:
    dialect = DIALECTS[load.order.dialect](seat["room"])
    headers = {"Cookie": seat["cookie"]} if seat["cookie"] else {}
    url = f"{load.order.address.replace('http', 'ws', 1)}/ws/chat/{seat['room']}/"
    async with gate:
        socket = await connect(
            url, origin=load.order.address, additional_headers=headers, compression=None, ping_interval=None
        )  # type: ignore[arg-type]
        if dialect.greets:
            await asyncio.wait_for(socket.recv(), PATIENCE_S)
    return Side(load, number, socket, dialect)


async def write_at_rate(sides: list[Side], rate: float) -> None:
    """Open loop: the clock says when, whether the earlier ones have arrived or not."""
    began, count = time.perf_counter(), 0
    while True:
        await asyncio.sleep(max(0.0, began + count / rate - time.perf_counter()))
        await sides[count % len(sides)].write()
        count += 1


async def run(order: Order) -> dict[str, Any]:
    load, gate = Load(order), asyncio.Semaphore(CONNECTS_AT_ONCE)
    flat = [seat for pair in order.seats for seat in pair]
    sides = await asyncio.gather(*(open_side(load, number, seat, gate) for number, seat in enumerate(flat)))
    listening = [asyncio.create_task(side.listen()) for side in sides]
    if order.rate:
        writing = asyncio.create_task(write_at_rate(sides, order.rate))
    else:
        writing = asyncio.create_task(asyncio.sleep(0))
        for side in sides:
            await side.write()
    await asyncio.sleep(order.warm_up)
    result = await measure(load)
    load.is_open = False
    writing.cancel()
    await let_arrive(load)
    result |= {"lost": len(load.on_the_way), "repeated": load.repeated, "disordered": load.disordered}
    for task in listening:
        task.cancel()
    await asyncio.gather(*(side.socket.close() for side in sides))
    return result


async def measure(load: Load) -> dict[str, Any]:
    load.latencies.clear()
    before, count, began, own = (
        cpu_seconds(load.order.processes),
        load.delivered,
        time.perf_counter(),
        time.process_time(),
    )
    await asyncio.sleep(load.order.seconds)
    used, lasted, count = (
        cpu_seconds(load.order.processes) - before,
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


async def let_arrive(load: Load) -> None:
    """What is on the way when the window closes is no loss; what is still missing after this is."""
    for _ in range(100):
        await asyncio.sleep(0.05)
        if not load.on_the_way:
            return


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gc.disable()
    sys.stdout.write(json.dumps(asyncio.run(run(Order(**json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
