"""Faults of the channel layer: Redis dead, restarted, frozen or cut off; events lost, doubled and
shuffled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tools.faults.crowd import until
from tools.faults.figures import Figures
from tools.faults.rows import row
from tools.faults.world import World

NEWCOMERS = 20
POLL_S = 0.05
NORMAL_S = 1.0
"""A slower push is not normal; without a layer it takes at least the second of the poll."""


@asynccontextmanager
async def stalls_of(world: World) -> AsyncIterator[list[float]]:
    """Response times of /healthz of each process, twenty times a second, bypassing the proxy; includes
    noise."""
    waits: list[float] = []

    async def ask(port: int) -> None:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False
        ) as http:
            while True:
                await asyncio.sleep(POLL_S)
                began = time.monotonic()
                with suppress(httpx.TransportError):
                    await http.get("/healthz")
                    waits.append(time.monotonic() - began)

    asking = [asyncio.ensure_future(ask(port)) for port in world.rig.server.ports]
    try:
        yield waits
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        waits.sort()


async def newcomers(world: World, figures: Figures) -> None:
    """Users who open the app during the fault: are they greeted, and after how long?"""
    waits: list[float] = []

    async def connect_new(cookie: str) -> None:
        began = time.monotonic()
        address = world.rig.address
        with suppress(OSError, TimeoutError, WebSocketException):
            async with (
                asyncio.timeout(30),
                connect(
                    f"{address.replace('http', 'ws', 1)}/ws/",
                    additional_headers={"Cookie": cookie, "Origin": address},
                    proxy=None,
                    close_timeout=0.5,
                ) as socket,
            ):
                await socket.recv()
                waits.append(time.monotonic() - began)

    cookies = [
        person["cookies"][0]
        for conversation in world.crowd.conversations[:NEWCOMERS]
        for person in conversation["people"][:1]
    ]
    await asyncio.gather(*map(connect_new, cookies))
    figures.add("new connections greeted", 100 * len(waits) / len(cookies), "%", goal=100, at_least=True)
    figures.add("greeted after, worst", max(waits, default=float("inf")), "s")


async def without_redis(
    world: World, seconds: float, *, acks: float = 500, deliveries: float = 3_500
) -> Figures:
    """Measure while the layer is unavailable."""
    figures, began = Figures(), time.monotonic()
    async with stalls_of(world) as waits:
        await asyncio.sleep(seconds / 2)
        await newcomers(world, figures)
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    ended = sum(ending.at >= began for device in world.crowd.devices for ending in device.endings)
    figures.add("unavailable for", seconds, "s")
    figures.add(
        "sockets that stayed", 100 * (1 - ended / len(world.crowd.devices)), "%", goal=99.9, at_least=True
    )
    figures.percentiles("ack", world.history.acks.since(began), goal_p99=acks)
    # The last messages may still be in flight when the layer returns.
    figures.percentiles("delivery", world.history.deliveries.since(began), goal_p99=deliveries)
    figures.add("longest stall", max(waits, default=0.0) * 1000, "ms", goal=100)
    return figures


async def back_to_normal(world: World, figures: Figures, *, goal: float = 5.0, watch: float = 8.0) -> None:
    """Seconds from now until the last slow delivery."""
    began = time.monotonic()
    await asyncio.sleep(watch)
    deliveries = world.history.deliveries
    slow = [
        at
        for at, took in zip(deliveries.moments, deliveries.seconds, strict=True)
        if at >= began and took > NORMAL_S
    ]
    figures.add("pushes normal again after", max(slow, default=began) - began, "s", goal=goal)


@row(
    "F4",
    rigs="P",
    fault="Redis killed for 60 s",
    expected="≥ 99.9 % of the sockets stay; ack p99 ≤ 500 ms; delivery p99 ≤ 3.5 s; newcomers all greeted",
)
async def redis_killed(world: World) -> Figures:
    await world.rig.kill_redis()
    figures = await without_redis(world, world.lasting(60, least=8))
    await world.rig.start_redis()
    await back_to_normal(world, figures)
    return figures


@row(
    "F5",
    rigs="P",
    fault="Redis restarted (no Sentinel on this machine)",
    expected="pushes normal ≤ 5 s after its return",
)
async def redis_restarted(world: World) -> Figures:
    figures = Figures()
    for _ in range(world.times(5)):
        await world.rig.kill_redis()
        await world.rig.start_redis()
        await back_to_normal(world, figures)
    return figures


@row(
    "F6",
    rigs="P",
    fault="Redis frozen for 60 s, then its packets dropped for 60 s",
    expected="as F4; event loop stalls ≤ 100 ms",
)
async def redis_frozen(world: World) -> Figures:
    seconds = world.lasting(60, least=8)
    world.rig.freeze_redis()
    figures = await without_redis(world, seconds)
    world.rig.thaw_redis()
    await back_to_normal(world, figures)
    world.rig.drop_redis_packets()
    dropped = await without_redis(world, seconds)
    world.rig.heal_redis_proxies()
    await back_to_normal(world, dropped)
    figures.all += dropped.all
    return figures


@row(
    "F7",
    rigs="P",
    fault="one of three processes cut from Redis for 60 s, with edits, deletions and reactions",
    expected="delivery between processes p99 ≤ 3.5 s",
)
async def one_cut_off(world: World) -> Figures:
    changes = Figures()
    world.rig.cut_redis_of(world.rng.choice(world.rig.processes))
    with world.changing(changes):
        figures = await without_redis(world, world.lasting(60, least=8))
    world.rig.heal_redis_proxies()
    await back_to_normal(world, figures)
    figures.all += changes.all
    return figures


@row(
    "F8",
    rigs="SP",
    fault="hints: 30 % lost, 30 % doubled, delayed up to 5 s, shuffled, for 60 s; of changes as of messages",
    expected="every screen equals the log",
)
async def hints_in_chaos(world: World) -> Figures:
    figures, began = Figures(), time.monotonic()
    world.rig.set_hook("chaos", "0.3 0.3 5")
    with world.changing(figures):
        await asyncio.sleep(world.lasting(60, least=6))
    world.rig.set_hook("chaos")
    world.speeds(figures, began)
    return figures


@row(
    "F22",
    rigs="P",
    fault="sockets silent for 300 s (pub/sub knows no group_expiry)",
    expected="no silent loss of the subscription: the first message comes as a push",
)
async def silent_for_long(world: World) -> Figures:
    """Longer than any timeout of the Redis client. `heads` would bring the message late; a push is
    immediate."""
    figures, crowd = Figures(), world.crowd
    quiet = [device for device in crowd.writers if set(device.views) == {crowd.conversations[0]["room"]}]
    crowd.writers = [device for device in crowd.writers if device not in quiet]
    await asyncio.sleep(world.lasting(300, least=20))
    before = {device.name: sum(view.cursor for view in device.views.values()) for device in quiet}
    began = time.monotonic()
    await crowd.write(quiet[0])
    is_received = await until(
        lambda: all(
            sum(view.cursor for view in device.views.values()) > before[device.name] for device in quiet
        ),
        40,
        0.005,
    )
    figures.add(
        "received after the silence by all",
        time.monotonic() - began if is_received else float("inf"),
        "s",
        goal=2,
    )
    crowd.writers += quiet
    return figures
