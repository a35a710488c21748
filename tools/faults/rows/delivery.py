"""Three findings of a test from outside: Redis that closes at once, a wrong clock without Redis, a locked
row."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]
import psycopg

from tools.faults.figures import Figures
from tools.faults.rows import row
from tools.faults.rows.channel_layer import back_to_normal, newcomers
from tools.faults.world import World


def cpu_seconds(world: World) -> list[float]:
    times = [
        psutil.Process(process.pid).cpu_times()
        for process in world.rig.server.processes
        if process is not None
    ]
    return [time.user + time.system for time in times]


def log_bytes(world: World) -> int:
    return sum(world.rig.server.log_file(index).stat().st_size for index in world.rig.processes)


@row(
    "D1",
    rigs="P",
    fault="the address of Redis accepts and closes at once, for 60 s",
    expected="one attempt a second, ≤ 1 KiB of log a process; newcomers greeted ≤ 4 s; delivery p99 ≤ 3.5 s",
)
async def redis_closes_at_once(world: World) -> Figures:
    figures, began = Figures(), time.monotonic()
    logged = log_bytes(world)
    for index in world.rig.processes:
        world.rig.cut_redis_of(index)
    # Longer than the delay of redis-py's health check.
    seconds = world.lasting(60, least=14)
    await asyncio.sleep(seconds / 2)
    figures.percentiles("delivery", world.history.deliveries.since(began), goal_p99=3_500)
    # From here on only the outage itself uses the processor.
    world.crowd.is_writing = False
    used, rest_began = cpu_seconds(world), time.monotonic()
    await newcomers(world, figures)
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    share = max(after - before for before, after in zip(used, cpu_seconds(world), strict=True)) / (
        time.monotonic() - rest_began
    )
    figures.add("CPU of a process without load, most", 100 * share, "%", goal=20)
    figures.add(
        "log of a process", (log_bytes(world) - logged) / len(world.rig.processes), "bytes", goal=1_024
    )
    world.crowd.is_writing = True
    world.rig.heal_redis_proxies()
    await back_to_normal(world, figures)
    return figures


@row(
    "D2",
    rigs="P",
    fault="Redis killed for 60 s while the journal's clocks are a minute behind",
    expected="delivery between processes p99 ≤ 3.5 s: no clock decides anything",
)
async def clocks_behind_without_redis(world: World) -> Figures:
    figures = Figures()
    world.rig.set_hook("clock", "-60")
    await world.rig.kill_redis()
    began = time.monotonic()
    await asyncio.sleep(world.lasting(60, least=8))
    figures.percentiles("delivery", world.history.deliveries.since(began), goal_p99=3_500)
    world.rig.set_hook("clock")
    await world.rig.start_redis()
    await back_to_normal(world, figures)
    return figures


@row(
    "D3",
    rigs="P",
    fault="the row of one conversation locked by another program for 60 s",
    expected="its own sends `busy`; all others acknowledged, p99 ≤ 1 s; backends wait within their limit",
)
async def one_row_locked(world: World) -> Figures:
    figures, conversation = Figures(), world.crowd.conversations[0]
    name = urlsplit(world.rig.server.environment["DATABASE_URL"]).path[1:]
    refused, began = sum(world.history.refusals.values()), time.monotonic()
    waiting = 0
    socket = str(world.rig.postgres.socket_folder)
    async with await psycopg.AsyncConnection.connect(host=socket, user="postgres", dbname=name) as holder:
        await holder.execute(
            "SELECT 1 FROM conversation WHERE room_name = %s FOR UPDATE", [conversation["room"]]
        )
        ends = began + world.lasting(60, least=8)
        while time.monotonic() < ends:
            await asyncio.sleep(0.5)
            found = await asyncio.to_thread(
                world.rig.postgres.execute,
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
                database=name,
            )
            waiting = max(waiting, found[0][0])
    figures.percentiles("ack", world.history.acks.since(began), goal_p99=1_000)
    figures.add("backends that waited for a lock at once, most", waiting, goal=len(world.rig.processes))
    figures.add("refused, all of the locked conversation", sum(world.history.refusals.values()) - refused)
    await world.emptied(figures, time.monotonic(), goal=5)
    return figures
