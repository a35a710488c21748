"""Random faults, one after the other and on top of each other, from one seed."""

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
"""The share of faults that begin before the one before has ended."""


async def kill(world: World, luck: random.Random) -> None:
    index = luck.choice(world.rig.processes)
    if world.rig.is_running(index) and index not in world.rig.replaced:
        with world.rig.replacing(index):
            await world.rig.kill_server(index)
            await asyncio.sleep(luck.uniform(0, 1))
            await world.rig.start_server(index)


async def deploy(world: World, luck: random.Random) -> None:
    index = luck.choice(world.rig.processes)
    if world.rig.is_running(index) and index not in world.rig.paused | world.rig.replaced:
        with world.rig.replacing(index):
            await world.rig.term_server(index)
            await world.rig.start_server(index)


async def stop(world: World, luck: random.Random) -> None:
    index = luck.choice(world.rig.processes)
    if world.rig.is_running(index) and index not in world.rig.paused:
        world.rig.pause_server(index)
        await asyncio.sleep(luck.uniform(0.2, 4))
        world.rig.continue_server(index)


async def cut(world: World, luck: random.Random) -> None:
    world.rig.cut_lines()


async def drop(world: World, luck: random.Random) -> None:
    world.rig.freeze_lines(*luck.choice(((FORWARD,), (BACK,), (FORWARD, BACK))))
    await asyncio.sleep(luck.uniform(0.5, 4))
    world.rig.thaw_lines()


async def chaos(world: World, luck: random.Random) -> None:
    world.rig.set_hook(
        "chaos", f"{luck.uniform(0, 0.5):.2f} {luck.uniform(0, 0.4):.2f} {luck.uniform(0, 3):.2f}"
    )
    await asyncio.sleep(luck.uniform(1, 5))
    world.rig.set_hook("chaos")


async def crooked_clock(world: World, luck: random.Random) -> None:
    world.rig.set_hook("clock", str(luck.choice((-86_400, -3_600, -5, 5, 3_600))))
    await asyncio.sleep(luck.uniform(1, 4))
    world.rig.set_hook("clock")


async def lock(world: World, luck: random.Random) -> None:
    await world.rig.lock_sqlite(luck.uniform(0.2, 3))


async def kill_redis(world: World, luck: random.Random) -> None:
    if world.rig.is_redis_up:
        await world.rig.kill_redis()
        await asyncio.sleep(luck.uniform(0, 4))
        await world.rig.start_redis()


async def freeze_redis(world: World, luck: random.Random) -> None:
    if world.rig.is_redis_up:
        world.rig.freeze_redis()
        await asyncio.sleep(luck.uniform(0.5, 5))
        world.rig.thaw_redis()


async def cut_redis(world: World, luck: random.Random) -> None:
    world.rig.cut_redis_of(luck.choice(world.rig.processes))
    await asyncio.sleep(luck.uniform(0.5, 5))
    world.rig.heal_redis_ways()


async def restart_postgres(world: World, luck: random.Random) -> None:
    if world.rig.is_postgres_up:
        await world.rig.stop_postgres(luck.choice(("fast", "immediate")))
        await asyncio.sleep(luck.uniform(0, 1))
        await world.rig.start_postgres()


EVERYWHERE: list[Fault] = [kill, deploy, stop, cut, drop, chaos, crooked_clock]
FAULTS: dict[str, list[Fault]] = {
    "S": [*EVERYWHERE, lock],
    "P": [*EVERYWHERE, kill_redis, freeze_redis, cut_redis, restart_postgres],
}


def random_faults(seconds: float, *, only: list[Fault] | None = None) -> FaultRow:
    """A row that does so for as long. Which fault comes when follows from the world's luck alone; what it meets does not."""

    async def run(world: World) -> Figures:
        figures, running = Figures(), set[asyncio.Task[None]]()
        names: list[str] = []
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            fault = world.luck.choice(only or FAULTS[world.rig.name])
            names.append(fault.__name__)
            task = asyncio.ensure_future(fault(world, random.Random(world.luck.random())))
            running.add(task)
            if world.luck.random() < OVERLAP:
                await asyncio.sleep(world.luck.uniform(0, 1))
                continue
            await asyncio.gather(*running)
            running.clear()
            world.refresh()
            await asyncio.sleep(world.luck.uniform(0.2, 2))
        await asyncio.gather(*running)
        for name in sorted(set(names)):
            figures.add(name, names.count(name))
        return figures

    return FaultRow("random", "SP", "random faults", "the zero columns", run)
