"""Processes of the service that are killed, replaced or stopped under load."""

from __future__ import annotations

import asyncio
import time

from tools.faults.client import Device
from tools.faults.crowd import until
from tools.faults.figures import Figures
from tools.faults.history import Outcome, percentile
from tools.faults.hooks import KILL_MARK
from tools.faults.rows import row
from tools.faults.world import World


@row(
    "F1",
    rigs="SP",
    fault="kill -9 at random points, 200 times",
    expected="back ≤ 10 s (p99), outbox empty ≤ 15 s",
)
async def killed(world: World) -> Figures:
    return await kill_repeatedly(world, world.times(200))


@row("F25", rigs="P", fault="out-of-memory kill of one process", expected="as F1")
async def out_of_memory(world: World) -> Figures:
    """The kernel sends SIGKILL, and the process stays down for a while."""
    return await kill_repeatedly(world, world.times(10), down_for=world.lasting(10))


async def kill_repeatedly(world: World, count: int, down_for: float = 0.0) -> Figures:
    figures, rig = Figures(), world.rig
    backs, emptied = [], Figures()
    for _ in range(count):
        world.refresh()
        await asyncio.sleep(world.rng.uniform(0.1, 1.5))
        index = world.rng.choice(rig.processes)
        began = time.monotonic()
        await rig.kill_server(index)
        await asyncio.sleep(down_for)
        await rig.start_server(index)
        # With several processes, the port answers all the time.
        answers = time.monotonic() if len(rig.processes) == 1 else began
        await world.crowd.all_live(60)
        backs.append(percentile(world.crowd.back_after(answers), 0.99))
        await world.emptied(emptied, answers, goal=15)
    figures.add("kills", count)
    figures.add("back p99, worst", max(backs), "s", goal=10)
    figures.add("outbox empty, worst", max(figure.value for figure in emptied.all), "s", goal=15)
    return figures


@row(
    "F2",
    rigs="SP",
    fault="kill -9 exactly between commit and ack, 100 times",
    expected="100 of 100 repeats answer `duplicate: true`, same seq",
)
async def killed_between_commit_and_ack(world: World) -> Figures:
    """That the repeat has the seq of the row is checked by the column `order`."""
    figures, rig = Figures(), world.rig
    count, repeats = world.times(100), 0
    for _ in range(count):
        world.refresh()
        await world.crowd.all_live(60)
        await until(lambda: any(is_idle(device) for device in world.crowd.writers), 10)
        device = world.rng.choice(
            [device for device in world.crowd.writers if is_idle(device)] or world.crowd.writers
        )
        id = await world.crowd.write(device, f"{KILL_MARK}{world.rng.random()}")
        await until(lambda: any(not rig.is_running(index) for index in rig.processes), 20)
        for index in rig.processes:
            if not rig.is_running(index):
                await rig.start_server(index)
        send = world.history.sends[id]
        await until(lambda send=send: send.outcome is not Outcome.INVOKED, 60)
        repeats += send.outcome is Outcome.OK and send.was_repeat
    figures.add("kills", count)
    figures.add("repeats with `duplicate: true`", repeats, goal=count, at_least=True)
    if repeats < count:
        raise AssertionError(f"only {repeats} of {count} repeats were acknowledged as repeats")
    return figures


def is_idle(device: Device) -> bool:
    return device.is_live and not device.outbox


@row(
    "F3",
    rigs="SP",
    fault="SIGTERM deploy under load, 20 times",
    expected="every socket gets `bye` and 4012 ≤ 1 s, none sees 1006; exit ≤ 10 s; 99 % LIVE ≤ 15 s",
)
async def deployed(world: World) -> Figures:
    """One process after the other, as `systemctl restart` does; on S there is only one."""
    figures, rig, history = Figures(), world.rig, world.history
    exits, closed_after, backs, without = [], [], [], 0
    before = sum(history.refusals.values())
    for number in range(world.times(20, least=len(rig.processes))):
        world.refresh()
        await world.crowd.all_live(60)
        index = number % len(rig.processes)
        began = time.monotonic()
        exits.append(await rig.term_server(index))
        await rig.start_server(index)
        await world.back(Figures(), began, goal=15)
        backs.append(percentile(world.crowd.back_after(began), 0.99))
        endings = [
            ending for device in world.crowd.devices for ending in device.endings if ending.at >= began
        ]
        closed_after += [ending.at - began for ending in endings]
        without += sum(ending.bye != 4012 or ending.code == 1006 for ending in endings)
    figures.add("deploys", len(exits))
    figures.add("sockets closed", len(closed_after))
    figures.add("without `bye` 4012 or with 1006", without, goal=0)
    figures.add("closed after, p99", percentile(sorted(closed_after), 0.99), "s", goal=1)
    figures.add("exit, worst", max(exits), "s", goal=10)
    figures.add("99 % LIVE, worst", max(backs), "s", goal=15)
    figures.add("refused sends", sum(history.refusals.values()) - before)
    return figures


@row(
    "F24",
    rigs="P",
    fault="one process stopped for 15 s, then for 60 s",
    expected="its clients move; no double push; no stale write",
)
async def stopped(world: World) -> Figures:
    figures, rig = Figures(), world.rig
    for seconds in (world.lasting(15, least=5), world.lasting(60, least=12)):
        world.refresh()
        index = world.rng.choice(rig.processes)
        rig.pause_server(index)
        began = time.monotonic()
        await asyncio.sleep(seconds)
        moved = len(world.crowd.endings_since(began))
        rig.continue_server(index)
        continued = time.monotonic()
        figures.add(f"moved while it stood {seconds:.0f} s", moved)
        await world.back(figures, continued, goal=10)
        await world.emptied(figures, continued, goal=15)
    return figures
