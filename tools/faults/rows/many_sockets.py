"""Many sockets at once, a flooding socket, a stalled reader: only the offender may suffer."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.rig.people import PASSWORD
from tools.faults.admin_process import AdminProcess
from tools.faults.client import Device
from tools.faults.crowd import Crowd, until
from tools.faults.figures import Figures
from tools.faults.history import History, percentile
from tools.faults.probes import (
    MEBIBYTE,
    NEIGHBOURS,
    Peak,
    Stream,
    bare_socket,
    compare,
    memory,
    metric,
    neighbours,
    own_rig,
)
from tools.faults.rigs import Rig
from tools.faults.rows import row
from tools.faults.world import World

SOCKETS, SOCKETS_A_PERSON = 2_000, 10
EVENTS, EVENTS_A_SECOND = 10_000, 400.0
HINTS = 5_000
FLOOD_S = 15.0
PING = b'{"type": "ping"}'
FLOOD_FRAME = bytes((0x81, 0x80 | len(PING), 0, 0, 0, 0)) + PING
"""Masked, as browsers must, with a mask of zeros."""


# --- F23 ---


class SignIns:
    """Logs in with a new browser, twice a second."""

    def __init__(self, address: str, username: str) -> None:
        self.address, self.username = address, username
        self.took: list[tuple[float, float]] = []
        self.failed = 0
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def run(self) -> None:
        while True:
            began = time.monotonic()
            await self.may_go.wait()
            try:
                await self.once()
            except (httpx.HTTPError, OSError):
                # The server is down; the sockets measure how long.
                self.failed += 1
            else:
                self.took.append((began, time.monotonic() - began))
            await asyncio.sleep(max(0.0, 0.5 - (time.monotonic() - began)))

    async def once(self) -> None:
        token = "f" * 32
        headers = {"Cookie": f"csrftoken={token}", "X-CSRFToken": token, "Origin": self.address}
        async with httpx.AsyncClient(
            base_url=self.address, timeout=30, trust_env=False, verify=False
        ) as http:
            answer = await http.post(
                "/accounts/login/", data={"login": self.username, "password": PASSWORD}, headers=headers
            )
            if answer.status_code != 302:
                raise httpx.HTTPError(f"sign-in answered {answer.status_code}")

    def since(self, moment: float) -> list[float]:
        return sorted(seconds for began, seconds in self.took if began >= moment)


@row(
    "F23",
    rigs="SP",
    fault="2,000 sockets lose the server at once: kill -9 and restart, then the proxy cuts all connections",
    expected="99 % LIVE ≤ 90 s, 0 load-caused 403, sign-in p99 ≤ 2 s meanwhile, ≤ 64 KiB per idle socket",
)
async def all_sockets_at_once(world: World) -> Figures:
    figures = Figures()
    count = world.times(SOCKETS, least=200)
    people = -(-count // SOCKETS_A_PERSON)
    async with own_rig(world, -(-people // 2) + 1, SOCKETS_A_PERSON) as (rig, conversations):
        async with AdminProcess(rig) as keys:
            await keys.do("person", username="visitor")
        visitor = SignIns(rig.address, "visitor")
        async with Crowd(History(), conversations[-1:], address=rig.address, rate=1, rng=world.rng) as crowd:
            await crowd.all_live(60)
            signing_in = crowd.start(visitor.run())
            try:
                await warm_up(rig, conversations)
                visitor.may_go.clear()
                await asyncio.sleep(1)
                before = memory(rig)
                visitor.may_go.set()
                await newcomers(figures, visitor, crowd, conversations, count)
                # Password hashes take memory for a moment.
                visitor.may_go.clear()
                await asyncio.sleep(5)
                figures.add("an idle socket takes", (memory(rig) - before) / count / 1024, "KiB", goal=64)
                visitor.may_go.set()
                await lost(figures, "killed", visitor, crowd, rig, is_killed=True)
                await lost(figures, "cut", visitor, crowd, rig, is_killed=False)
                await lost(figures, "cut again at once", visitor, crowd, rig, is_killed=False)
            finally:
                signing_in.cancel()
    return figures


async def warm_up(rig: Rig, conversations: list[dict[str, Any]]) -> None:
    """Let threads, connections and caches reach their size before memory is measured."""
    for index in rig.processes:
        opened = [
            await bare_socket(
                rig, conversations[0]["people"][0]["cookies"][number % SOCKETS_A_PERSON], index=index
            )
            for number in range(100)
        ]
        for each in opened:
            await each.close()
    await asyncio.sleep(3)


async def newcomers(
    figures: Figures, visitor: SignIns, crowd: Crowd, conversations: list[dict[str, Any]], count: int
) -> None:
    """All sockets open at the same instant, which is a storm as well."""
    places = [
        (conversation["room"], person, number)
        for conversation in conversations[:-1]
        for person in conversation["people"]
        for number in range(SOCKETS_A_PERSON)
    ]
    began = time.monotonic()
    for room, person, number in places[:count]:
        crowd.start(crowd.add_device(room, person, number).live())
    await report_return(figures, "opened at once", visitor, crowd, began)


async def lost(
    figures: Figures, name: str, visitor: SignIns, crowd: Crowd, rig: Rig, *, is_killed: bool
) -> None:
    for device in crowd.devices:
        device.refused = Counter()
        device.attempt = min(device.attempt, 1)
    began = time.monotonic()
    if is_killed:
        await asyncio.gather(*(rig.kill_server(index) for index in rig.processes))
        await asyncio.gather(*(rig.start_server(index) for index in rig.processes))
        figures.add(f"{name}: the server was down", time.monotonic() - began, "s")
    else:
        rig.cut_connections()
        await until(lambda: crowd.live_share < 0.1, 10, 0.01)
    await report_return(figures, name, visitor, crowd, began)


async def report_return(figures: Figures, name: str, visitor: SignIns, crowd: Crowd, began: float) -> None:
    await crowd.all_live(180)
    backs = crowd.back_after(began)
    figures.add(f"{name}: {len(backs)} sockets, 99 % LIVE", percentile(backs, 0.99), "s", goal=90)
    figures.add("all", backs[-1], "s")
    refused: Counter[int] = sum((device.refused for device in crowd.devices), Counter())
    figures.add("answered 403", refused.pop(403, 0), goal=0)
    for status, times in refused.items():
        figures.add(f"answered {status}", times)
    byes = Counter(bye for bye, _ in crowd.endings_since(began) if bye)
    for code, times in sorted(byes.items()):
        figures.add(f"closed with `bye` {code}", times)
    await asyncio.sleep(1)
    figures.add("sign-in p99", percentile(visitor.since(began), 0.99), "s", goal=2)


# --- F13 ---


@row(
    "F13",
    rigs="SP",
    fault="a reader stalls and 10,000 events follow",
    expected="growth ≤ 1 MiB for that socket, 4408 ≤ 20 s, others' p99 +20 % at most, on return exact",
)
async def stalled_reader(world: World) -> Figures:
    figures = Figures()
    events = world.times(EVENTS, least=6_000)
    async with (
        own_rig(world, NEIGHBOURS + 2) as (rig, conversations),
        neighbours(rig, conversations[1:], world.rng) as crowd,
    ):
        room, (writer, reader) = conversations[0]["room"], conversations[0]["people"]
        stream = Stream(await bare_socket(rig, writer["cookies"][0]), room, "x" * 1_000)
        ended = asyncio.ensure_future(when(rig, 'entre_goodbyes_total{reason="too_slow"}'))
        behind = asyncio.ensure_future(when(rig, "entre_frames_dropped_total"))
        # First a reader that reads: the same load for comparison.
        good = Stream(await bare_socket(rig, reader["cookies"][0], index=0), room)
        usual = time.monotonic()
        async with Peak(rig) as reading:
            await stream.write(events // 2, EVENTS_A_SECOND)
        await good.end()
        stalled = await bare_socket(rig, reader["cookies"][1], index=0, receive_bytes=65_536, max_queue=1)
        stalled.transport.pause_reading()
        began = time.monotonic()
        async with Peak(rig) as stalling:
            await stream.write(events, EVENTS_A_SECOND)
            figures.add("events", events)
            compare(figures, "while one stalls", crowd, (usual, began), (began, time.monotonic()))
            await asyncio.wait([ended], timeout=40)
        figures.add("memory grew with a reader that reads by", reading.growth, "MiB")
        figures.add(
            "with one that stalls by", stalling.growth, "MiB", goal=1 + round(max(0.0, reading.growth), 1)
        )
        closed_at = ended.result() if ended.done() else float("inf")
        since = behind.result() if behind.done() else began
        behind.cancel()
        figures.add("4408 after it stalled", closed_at - began, "s")
        figures.add("after it was a mebibyte behind", closed_at - since, "s", goal=20)
        stalled.transport.abort()
        await returned(figures, crowd, room, reader, stream)
        await stream.end()
    return figures


async def when(rig: Rig, name: str) -> float:
    """The moment when this counter of the first process leaves 0."""
    while not await metric(rig, name):  # noqa: ASYNC110 - another process's number
        await asyncio.sleep(0.2)
    return time.monotonic()


async def returned(figures: Figures, crowd: Crowd, room: str, person: dict[str, Any], stream: Stream) -> None:
    """A device of the same user reconnects and shows all messages in order."""
    began = time.monotonic()
    device = crowd.add_device(room, person, 0)
    crowd.start(device.live())
    head = max(stream.stored)
    is_back = await until(lambda: device.is_live and device.views[room].cursor >= head, 20)
    figures.add("back with everything", time.monotonic() - began if is_back else float("inf"), "s", goal=5)
    require_exact(crowd, device, room, stream.stored)


def require_exact(crowd: Crowd, device: Device, room: str, stored: dict[int, str]) -> None:
    screen = crowd.history.screens[device.name, room]
    expected = {seq: id for seq, id in stored.items() if seq > screen.base}
    if screen.shown != expected or sorted(expected) != list(
        range(screen.base + 1, screen.base + 1 + len(expected))
    ):
        raise AssertionError(
            f"shows {len(screen.shown)} messages after {screen.base}, and {len(expected)} were stored"
        )


# --- F14 ---


@row(
    "F14",
    rigs="SP",
    fault="a flood of frames from one socket, 10,000 and 100,000 a second; then one that reconnects at once",
    expected="4429 ≤ 1 s, memory +10 MiB at most, others' p99 +20 % at most",
)
async def socket_flood(world: World) -> Figures:
    figures = Figures()
    async with (
        own_rig(world, NEIGHBOURS + 2, LIMITS="on") as (rig, conversations),
        neighbours(rig, conversations[1:], world.rng) as crowd,
    ):
        cookie = conversations[0]["people"][0]["cookies"][0]
        for rate in (10_000, 100_000):
            for waits_first in (True, False):
                usual = time.monotonic()
                await asyncio.sleep(world.lasting(FLOOD_S, least=5))
                began = time.monotonic()
                ends: list[tuple[float, int, bool]] = []
                async with Peak(rig) as peak:
                    while time.monotonic() - began < world.lasting(FLOOD_S, least=5):
                        ends.append(await flood(await bare_socket(rig, cookie, index=0), rate))
                        # The server asks for five seconds; after one second this is no storm of handshakes
                        # yet.
                        await asyncio.sleep(1.0 if waits_first else 0.0)
                name = f"{rate} a second{'' if waits_first else ', reconnecting at once'}"
                figures.add(f"{name}: floods", len(ends))
                figures.add("slowest end", max(seconds for seconds, _, _ in ends), "s", goal=1)
                figures.add("closed without 4429", sum(code != 4429 for _, code, _ in ends), goal=0)
                figures.add("without `bye`", sum(not has_bye for _, _, has_bye in ends), goal=0)
                figures.add("memory grew by", peak.growth, "MiB", goal=10)
                compare(figures, name, crowd, (usual, began), (began, time.monotonic()))
    return figures


async def flood(connection: ClientConnection, rate: int) -> tuple[float, int, bool]:
    """Flood until the socket ends. Returns the seconds, the close code, and whether a `bye` came first."""
    began, has_bye = time.monotonic(), False

    async def receive() -> int:
        nonlocal has_bye
        try:
            while True:
                frame = json.loads(await connection.recv())
                has_bye = has_bye or frame["type"] == "bye"
        except (ConnectionClosed, WebSocketException):
            return connection.close_code or 1006

    receiving = asyncio.ensure_future(receive())
    batch = FLOOD_FRAME * (rate // 100)
    while not receiving.done() and time.monotonic() - began < 30:
        with suppress(Exception):
            # What the server does not read stays in our buffer: do not grow it.
            if (
                connection.transport.get_write_buffer_size() < MEBIBYTE
                and not connection.transport.is_closing()
            ):
                connection.transport.write(batch)
        await asyncio.sleep(0.01)
    return time.monotonic() - began, await receiving, has_bye


# --- F21 ---


@row(
    "F21",
    rigs="SP",
    fault="5,000 events to one socket as fast as they can be written, five times the capacity of its channel",
    expected="exact after catch-up ≤ 5 s",
)
async def channel_overflow(world: World) -> Figures:
    figures = Figures()
    async with (
        own_rig(world, 2) as (rig, conversations),
        Crowd(History(), conversations[1:], address=rig.address, rate=1, rng=world.rng) as crowd,
    ):
        room, (writer, reader) = conversations[0]["room"], conversations[0]["people"]
        device = crowd.add_device(room, reader, 0)
        crowd.start(device.live())
        await crowd.all_live(30)
        streams = [Stream(await bare_socket(rig, writer["cookies"][0]), room) for _ in range(4)]
        began = time.monotonic()
        await asyncio.gather(*(stream.write(HINTS // 4) for stream in streams))
        figures.add("hints", HINTS)
        figures.add("written in", time.monotonic() - began, "s")
        stored = {seq: id for stream in streams for seq, id in stream.stored.items()}
        written = time.monotonic()
        is_there = await until(
            lambda: device.is_live and device.views[room].cursor >= HINTS and not device.views[room].has_gap,
            30,
            0.01,
        )
        figures.add("exact after", time.monotonic() - written if is_there else float("inf"), "s", goal=5)
        require_exact(crowd, device, room, stored)
        for stream in streams:
            await stream.end()
    return figures
