"""The load: pairs that write to each other, second devices, and an outsider whose socket must get no frame
of theirs.

One event loop runs them all, with one clock for all timers.
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
"""Every fifth user has a second device, on the route of the room."""
TYPED_AHEAD = 3
"""A device writes no more while this many of its messages wait."""
SETTLE_S = 90.0


class Crowd:
    """All devices of a run.

    Args:
        conversations: what `make_people` printed; the last pair is the outsider's own and stays silent.
        rate: messages a second in all; 0 writes as fast as replies come.
    """

    def __init__(
        self,
        history: History,
        conversations: list[dict[str, Any]],
        *,
        address: str,
        rate: float,
        rng: random.Random,
    ) -> None:
        self.history, self.address, self.rate, self.rng = history, address, rate, rng
        self.conversations = conversations[:-1]
        self.devices: list[Device] = []
        self.is_writing = False
        self.share_of_changes = 0.0
        """Of what the devices write: edits, deletions and reactions."""
        self.written = 0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.seed = rng.random()
        for number, conversation in enumerate(self.conversations):
            for side, person in enumerate(conversation["people"]):
                self.add_device(conversation["room"], person, 0)
                if (2 * number + side) % SECOND_DEVICE_EVERY == 0:
                    self.add_device(conversation["room"], person, 1, path=f"/ws/chat/{conversation['room']}/")
        self.writers = list(self.devices)
        outsider = conversations[-1]
        self.outsider = self.add_device(outsider["room"], outsider["people"][0], 0)

    def add_device(self, room: str, person: dict[str, Any], number: int, *, path: str = "/ws/") -> Device:
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

    async def remove_device(self, device: Device) -> None:
        """Remove an extra device; its screen is not compared any more."""
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
                # Each in a task of its own: a blocked connection must not stop the timers of the others.
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
                order = order or self.rng.sample(self.writers, len(self.writers))
                device = order.pop()
                if len(device.outbox) < (1 if self.rate == 0 else TYPED_AHEAD) and not device.is_over:
                    await self.act(device)

    async def act(self, device: Device) -> None:
        """Let a device write or change a message."""
        is_change = self.share_of_changes > 0 and self.rng.random() < self.share_of_changes
        if not (is_change and await self.change(device)):
            await self.write(device)

    async def change(self, device: Device) -> bool:
        self.written += 1
        return await device.change(f"change {self.written}", f"text {self.written} of {device.name}")

    async def write(self, device: Device, body: str = "") -> str:
        """Let a device write one message. Returns its id."""
        self.written += 1
        id = str(UUID(int=self.rng.getrandbits(128), version=4))
        await device.write(
            id,
            body
            or f"message {self.written} of {device.name}: {id} ".ljust(self.rng.choice((40, 80, 160)), "."),
        )
        return id

    # For rows

    @property
    def live_share(self) -> float:
        return sum(device.is_live for device in self.devices) / len(self.devices)

    async def all_live(self, within: float) -> bool:
        return await until(lambda: all(device.is_live or device.is_over for device in self.devices), within)

    def back_after(self, moment: float) -> list[float]:
        """Sorted seconds from `moment` until each device was LIVE again; 0 for one that never lost its
        connection."""
        return sorted(
            max(0.0, device.live_at - moment) if device.is_live else float("inf") for device in self.devices
        )

    def endings_since(self, moment: float) -> list[tuple[int | None, int]]:
        """(code of the `bye`, close code) of each socket that ended since."""
        return [
            (ending.bye, ending.code)
            for device in self.devices
            for ending in device.endings
            if ending.at >= moment
        ]

    @property
    def is_settled(self) -> bool:
        """No send without a reply, and all devices of a room have the same cursor."""
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
        """Stop writing and wait until all devices have everything. False on timeout; the checker then names
        what is missing."""
        self.is_writing = False
        return await until(lambda: self.is_settled, within)


async def until(is_so: Any, within: float, poll_every: float = 0.05) -> bool:
    """Poll until a condition holds. Returns whether it did."""
    deadline = time.monotonic() + within
    while not is_so():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(poll_every)
    return True
