"""Everybody who takes part: pairs that write to each other, second devices, and an outsider who listens and must hear nothing.

One event loop carries them all; a clock ticks for all devices, and a load makes them write.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any
from uuid import UUID

from tools.faults.client import TICK_S, Device
from tools.faults.history import History

SECOND_DEVICE_EVERY = 5
"""Every fifth person has a second device, on the route of the room."""
TYPED_AHEAD = 3
"""Nobody types further while so many of their messages wait."""
SETTLE_S = 90.0


class Crowd:
    """All devices of a run.

    Args:
        seats: what `people` printed; the last pair is the outsider's own and stays silent.
        rate: messages a second of all together; 0 writes as fast as answers come.
    """

    def __init__(
        self, history: History, seats: list[dict[str, Any]], *, address: str, rate: float, luck: random.Random
    ) -> None:
        self.history, self.address, self.rate, self.luck = history, address, rate, luck
        self.seats = seats[:-1]
        self.devices: list[Device] = []
        self.is_writing = False
        self.written = 0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.seed = luck.random()
        for number, seat in enumerate(self.seats):
            for side, person in enumerate(seat["people"]):
                self.seat(seat["room"], person, 0)
                if (2 * number + side) % SECOND_DEVICE_EVERY == 0:
                    self.seat(seat["room"], person, 1, path=f"/ws/chat/{seat['room']}/")
        self.writers = list(self.devices)
        outsider = seats[-1]
        self.outsider = self.seat(outsider["room"], outsider["people"][0], 0)

    def seat(self, room: str, person: dict[str, Any], number: int, *, path: str = "/ws/") -> Device:
        device = Device(
            self.history,
            name=f"{person['username']}.{number}",
            person=person["id"],
            cookie=person["cookies"][number],
            address=self.address,
            rooms=[room],
            path=path,
            seed=hash(self.seed),
        )
        self.devices.append(device)
        return device

    async def dismiss(self, device: Device) -> None:
        """An extra device goes home: what it shows is no longer asked for."""
        await device.leave()
        self.devices.remove(device)
        self.history.forget_screens(device.name)

    async def __aenter__(self) -> Crowd:
        for work in (*(device.live() for device in self.devices), self.ticking(), self.writing()):
            self.start(work)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_writing = False
        for device in self.devices:
            await device.leave()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def start(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def ticking(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for device in self.devices:
                # Each in a task of its own: a line that takes nothing more must not hold the clock of the others.
                if device.needs_tick(now):
                    self.start(device.tick(now))

    async def writing(self) -> None:
        began, due = time.monotonic(), 0.0
        order: list[Device] = []
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            if not self.is_writing:
                began, due = now, 0.0
                continue
            most = len(self.writers) if self.rate == 0 else int((now - began) * self.rate - due)
            due += most
            for _ in range(most):
                order = order or self.luck.sample(self.writers, len(self.writers))
                device = order.pop()
                if len(device.outbox) < (1 if self.rate == 0 else TYPED_AHEAD) and not device.is_over:
                    await self.write(device)

    async def write(self, device: Device, body: str = "") -> str:
        """Let a device write one message. Returns its id."""
        self.written += 1
        id = str(UUID(int=self.luck.getrandbits(128), version=4))
        await device.write(
            id,
            body
            or f"message {self.written} of {device.name}: {id} ".ljust(self.luck.choice((40, 80, 160)), "."),
        )
        return id

    # What rows ask

    @property
    def live_share(self) -> float:
        return sum(device.is_live for device in self.devices) / len(self.devices)

    async def all_live(self, within: float) -> bool:
        return await until(lambda: all(device.is_live or device.is_over for device in self.devices), within)

    def back_after(self, moment: float) -> list[float]:
        """Sorted seconds after `moment` at which each device was LIVE again with everything; 0 for who never lost its line."""
        return sorted(
            max(0.0, device.live_at - moment) if device.is_live else float("inf") for device in self.devices
        )

    def endings_since(self, moment: float) -> list[tuple[int | None, int]]:
        """(code of the `bye`, close code) of every socket that ended since."""
        return [
            (ending.bye, ending.code)
            for device in self.devices
            for ending in device.endings
            if ending.at >= moment
        ]

    @property
    def is_settled(self) -> bool:
        """Nothing unanswered, and all devices of a room are at one number."""
        cursors: dict[str, set[int]] = {}
        for device in self.devices:
            if device.is_over:
                continue
            if device.outbox or not device.is_live:
                return False
            for room, view in device.views.items():
                if view.has_gap or view.asked_at is not None:
                    return False
                cursors.setdefault(room, set()).add(view.cursor)
        return all(len(found) == 1 for found in cursors.values())

    async def settle(self, within: float = SETTLE_S) -> bool:
        """Let nobody write until everybody has everything. False when that takes too long; the checker then says what is missing."""
        self.is_writing = False
        return await until(lambda: self.is_settled, within)


async def until(is_so: Any, within: float, look_every: float = 0.05) -> bool:
    """Wait for something that many tasks bring about. Returns whether it came."""
    deadline = time.monotonic() + within
    while not is_so():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(look_every)
    return True
