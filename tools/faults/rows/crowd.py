"""Many sockets at once, one that floods, one that stalls: harm is for who does it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from contextlib import suppress

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.rig.people import PASSWORD
from tools.faults.client import Device
from tools.faults.crowd import Crowd, until
from tools.faults.figures import Figures
from tools.faults.history import History, percentile
from tools.faults.keys import Keys
from tools.faults.rigs import Rig
from tools.faults.rows import row
from tools.faults.throng import (
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
    """Somebody who signs in again and again with a new browser, twice a second."""

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
                # The server is away; how long it is, the sockets tell.
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
    fault="2,000 sockets lose the server at once: kill -9 and restart, then the proxy cuts all lines",
    expected="99 % LIVE ≤ 90 s, 0 load-caused 403, sign-in p99 ≤ 2 s meanwhile, ≤ 64 KiB per idle socket",
)
async def everybody_at_once(world: World) -> Figures:
    figures = Figures()
    count = world.times(SOCKETS, least=200)
    people = -(-count // SOCKETS_A_PERSON)
    async with own_rig(world, -(-people // 2) + 1, SOCKETS_A_PERSON) as (rig, seats):
        async with Keys(rig) as keys:
            await keys.do("person", username="visitor")
        visitor = SignIns(rig.address, "visitor")
        async with Crowd(History(), seats[-1:], address=rig.address, rate=1, luck=world.luck) as crowd:
            await crowd.all_live(60)
            signing_in = crowd.start(visitor.run())
            try:
                await warm_up(rig, seats)
                visitor.may_go.clear()
                await asyncio.sleep(1)
                before = memory(rig)
                visitor.may_go.set()
                await newcomers(figures, visitor, crowd, seats, count)
                # The hash of one password takes a hundred mebibytes for a moment.
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


async def warm_up(rig: Rig, seats: list[dict]) -> None:  # type: ignore[type-arg]
    """Threads, connections and caches have their size before memory is measured; so has what a sign-in takes for a moment."""
    for index in rig.processes:
        opened = [
            await bare_socket(rig, seats[0]["people"][0]["cookies"][number % SOCKETS_A_PERSON], index=index)
            for number in range(100)
        ]
        for each in opened:
            await each.close()
    await asyncio.sleep(3)


async def newcomers(figures: Figures, visitor: SignIns, crowd: Crowd, seats: list[dict], count: int) -> None:  # type: ignore[type-arg]
    """All of them open their page in one instant, which is a storm as well."""
    places = [
        (seat["room"], person, number)
        for seat in seats[:-1]
        for person in seat["people"]
        for number in range(SOCKETS_A_PERSON)
    ]
    began = time.monotonic()
    for room, person, number in places[:count]:
        crowd.start(crowd.seat(room, person, number).live())
    await told_back(figures, "opened at once", visitor, crowd, began)


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
        figures.add(f"{name}: the server was away", time.monotonic() - began, "s")
    else:
        rig.cut_lines()
        await until(lambda: crowd.live_share < 0.1, 10, 0.01)
    await told_back(figures, name, visitor, crowd, began)


async def told_back(figures: Figures, name: str, visitor: SignIns, crowd: Crowd, began: float) -> None:
    await crowd.all_live(180)
    backs = crowd.back_after(began)
    figures.add(f"{name}: {len(backs)} sockets, 99 % LIVE", percentile(backs, 0.99), "s", goal=90)
    figures.add("all", backs[-1], "s")
    refused: Counter[int] = sum((device.refused for device in crowd.devices), Counter())
    figures.add("told 403", refused.pop(403, 0), goal=0)
    for status, times in refused.items():
        figures.add(f"told {status}", times)
    byes = Counter(bye for bye, _ in crowd.endings_since(began) if bye)
    for code, times in sorted(byes.items()):
        figures.add(f"told `bye` {code}", times)
    await asyncio.sleep(1)
    figures.add("sign-in p99", percentile(visitor.since(began), 0.99), "s", goal=2)


# --- F13 ---


@row(
    "F13",
    rigs="SP",
    fault="a reader stalls and 10,000 events follow",
    expected="growth ≤ 1 MiB for that socket, 4408 ≤ 20 s, others' p99 +20 % at most, on return exact",
)
async def a_reader_stalls(world: World) -> Figures:
    figures = Figures()
    events = world.times(EVENTS, least=6_000)
    async with (
        own_rig(world, NEIGHBOURS + 2) as (rig, seats),
        neighbours(rig, seats[1:], world.luck) as crowd,
    ):
        room, (writer, reader) = seats[0]["room"], seats[0]["people"]
        stream = Stream(await bare_socket(rig, writer["cookies"][0]), room, "x" * 1_000)
        ended = asyncio.ensure_future(when(rig, 'entre_goodbyes_total{reason="too_slow"}'))
        behind = asyncio.ensure_future(when(rig, "entre_frames_dropped_total"))
        # First to one who reads: the same load, and the same rows.
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
        figures.add("memory grew with a reader who reads by", reading.growth, "MiB")
        figures.add(
            "with one who stalls by", stalling.growth, "MiB", goal=1 + round(max(0.0, reading.growth), 1)
        )
        told_at = ended.result() if ended.done() else float("inf")
        since = behind.result() if behind.done() else began
        behind.cancel()
        figures.add("4408 after it stalled", told_at - began, "s")
        figures.add("after it was a mebibyte behind", told_at - since, "s", goal=20)
        stalled.transport.abort()
        await returned(figures, crowd, room, reader, stream)
        await stream.end()
    return figures


async def when(rig: Rig, name: str) -> float:
    """The moment at which this counter of the first process is no longer 0."""
    while not await metric(rig, name):  # noqa: ASYNC110 - another process's number
        await asyncio.sleep(0.2)
    return time.monotonic()


async def returned(figures: Figures, crowd: Crowd, room: str, person: dict, stream: Stream) -> None:  # type: ignore[type-arg]
    """A device of the same person comes back and shows what was written, at its place."""
    began = time.monotonic()
    device = crowd.seat(room, person, 0)
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
    fault="a flood of frames from one socket, 10,000 a second and ten times that; then one that comes back as soon as it is thrown out",
    expected="4429 ≤ 1 s, memory +10 MiB at most, others' p99 +20 % at most",
)
async def a_flood(world: World) -> Figures:
    figures = Figures()
    async with (
        own_rig(world, NEIGHBOURS + 2, LIMITS="on") as (rig, seats),
        neighbours(rig, seats[1:], world.luck) as crowd,
    ):
        cookie = seats[0]["people"][0]["cookies"][0]
        for rate in (10_000, 100_000):
            for is_patient in (True, False):
                usual = time.monotonic()
                await asyncio.sleep(world.lasting(FLOOD_S, least=5))
                began = time.monotonic()
                ends: list[tuple[float, int, bool]] = []
                async with Peak(rig) as peak:
                    while time.monotonic() - began < world.lasting(FLOOD_S, least=5):
                        ends.append(await flood(await bare_socket(rig, cookie, index=0), rate))
                        # The server asks for five seconds; whoever gives it one is no storm of handshakes yet.
                        await asyncio.sleep(1.0 if is_patient else 0.0)
                name = f"{rate} a second{'' if is_patient else ', back at once'}"
                figures.add(f"{name}: floods", len(ends))
                figures.add("slowest end", max(seconds for seconds, _, _ in ends), "s", goal=1)
                figures.add("not told 4429", sum(code != 4429 for _, code, _ in ends), goal=0)
                figures.add("without `bye`", sum(not told for _, _, told in ends), goal=0)
                figures.add("memory grew by", peak.growth, "MiB", goal=10)
                compare(figures, name, crowd, (usual, began), (began, time.monotonic()))
    return figures


async def flood(line: ClientConnection, rate: int) -> tuple[float, int, bool]:
    """Pour until the line ends. Returns the seconds until then, the close code that was seen, and whether a `bye` came first."""
    began, is_told = time.monotonic(), False

    async def hear() -> int:
        nonlocal is_told
        try:
            while True:
                frame = json.loads(await line.recv())
                is_told = is_told or frame["type"] == "bye"
        except (ConnectionClosed, WebSocketException):
            return line.close_code or 1006

    hearing = asyncio.ensure_future(hear())
    batch = FLOOD_FRAME * (rate // 100)
    while not hearing.done() and time.monotonic() - began < 30:
        with suppress(Exception):
            # What the server does not take stays here; more of it would only fill our own memory.
            if line.transport.get_write_buffer_size() < MEBIBYTE and not line.transport.is_closing():
                line.transport.write(batch)
        await asyncio.sleep(0.01)
    return time.monotonic() - began, await hearing, is_told


# --- F21 ---


@row(
    "F21",
    rigs="SP",
    fault="5,000 hints to one socket as fast as they can be written, five times what its mailbox holds",
    expected="exact after catch-up ≤ 5 s",
)
async def more_than_a_mailbox_holds(world: World) -> Figures:
    figures = Figures()
    async with (
        own_rig(world, 2) as (rig, seats),
        Crowd(History(), seats[1:], address=rig.address, rate=1, luck=world.luck) as crowd,
    ):
        room, (writer, reader) = seats[0]["room"], seats[0]["people"]
        device = crowd.seat(room, reader, 0)
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
