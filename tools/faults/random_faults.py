"""Random faults from one seed, in sequence and overlapping."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from tools.faults.figures import Figures
from tools.faults.proxy import BACK, FORWARD
from tools.faults.rows import FaultRow
from tools.faults.world import World

Fault = Callable[[World, random.Random], Awaitable[None]]
OVERLAP = 0.3
"""The share of faults that begin before the previous one has ended."""


async def kill(world: World, rng: random.Random) -> None:
    index = rng.choice(world.rig.processes)
    if world.rig.is_running(index) and index not in world.rig.replaced:
        with world.rig.replacing(index):
            await world.rig.kill_server(index)
            await asyncio.sleep(rng.uniform(0, 1))
            await world.rig.start_server(index)


async def deploy(world: World, rng: random.Random) -> None:
    index = rng.choice(world.rig.processes)
    if world.rig.is_running(index) and index not in world.rig.paused | world.rig.replaced:
        with world.rig.replacing(index):
            await world.rig.term_server(index)
            await world.rig.start_server(index)


async def stop(world: World, rng: random.Random) -> None:
    index = rng.choice(world.rig.processes)
    if world.rig.is_running(index) and index not in world.rig.paused:
        world.rig.pause_server(index)
        await asyncio.sleep(rng.uniform(0.2, 4))
        world.rig.continue_server(index)


async def cut(world: World, rng: random.Random) -> None:
    world.rig.cut_connections()


async def drop(world: World, rng: random.Random) -> None:
    world.rig.freeze_connections(*rng.choice(((FORWARD,), (BACK,), (FORWARD, BACK))))
    await asyncio.sleep(rng.uniform(0.5, 4))
    world.rig.thaw_connections()


async def chaos(world: World, rng: random.Random) -> None:
    world.rig.set_hook(
        "chaos", f"{rng.uniform(0, 0.5):.2f} {rng.uniform(0, 0.4):.2f} {rng.uniform(0, 3):.2f}"
    )
    await asyncio.sleep(rng.uniform(1, 5))
    world.rig.set_hook("chaos")


async def skewed_clock(world: World, rng: random.Random) -> None:
    world.rig.set_hook("clock", str(rng.choice((-86_400, -3_600, -5, 5, 3_600))))
    await asyncio.sleep(rng.uniform(1, 4))
    world.rig.set_hook("clock")


async def lock(world: World, rng: random.Random) -> None:
    await world.rig.lock_sqlite(rng.uniform(0.2, 3))


async def kill_redis(world: World, rng: random.Random) -> None:
    if world.rig.is_redis_up:
        await world.rig.kill_redis()
        await asyncio.sleep(rng.uniform(0, 4))
        await world.rig.start_redis()


async def freeze_redis(world: World, rng: random.Random) -> None:
    if world.rig.is_redis_up:
        world.rig.freeze_redis()
        await asyncio.sleep(rng.uniform(0.5, 5))
        world.rig.thaw_redis()


async def cut_redis(world: World, rng: random.Random) -> None:
    world.rig.cut_redis_of(rng.choice(world.rig.processes))
    await asyncio.sleep(rng.uniform(0.5, 5))
    world.rig.heal_redis_proxies()


async def restart_postgres(world: World, rng: random.Random) -> None:
    if world.rig.is_postgres_up:
        await world.rig.stop_postgres(rng.choice(("fast", "immediate")))
        await asyncio.sleep(rng.uniform(0, 1))
        await world.rig.start_postgres()


EVERYWHERE: list[Fault] = [kill, deploy, stop, cut, drop, chaos, skewed_clock]
FAULTS: dict[str, list[Fault]] = {
    "S": [*EVERYWHERE, lock],
    "P": [*EVERYWHERE, kill_redis, freeze_redis, cut_redis, restart_postgres],
}


def random_faults(seconds: float, *, only: list[Fault] | None = None) -> FaultRow:
    """A row of random faults for so long. Their order follows from the world's rng alone; what it meets
    does not."""

    async def run(world: World) -> Figures:
        figures, running = Figures(), set[asyncio.Task[None]]()
        names: list[str] = []
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            fault = world.rng.choice(only or FAULTS[world.rig.name])
            names.append(fault.__name__)
            task = asyncio.ensure_future(fault(world, random.Random(world.rng.random())))
            running.add(task)
            if world.rng.random() < OVERLAP:
                await asyncio.sleep(world.rng.uniform(0, 1))
                continue
            await asyncio.gather(*running)
            running.clear()
            world.refresh()
            await asyncio.sleep(world.rng.uniform(0.2, 2))
        await asyncio.gather(*running)
        for name in sorted(set(names)):
            figures.add(name, names.count(name))
        return figures

    return FaultRow("random", "SP", "random faults", "the zero columns", run)
