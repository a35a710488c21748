"""Uploads while processes of the service are killed."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from tests.rig.files import PART_TYPE, bytes_of
from tools.faults.client import Device
from tools.faults.figures import Figures
from tools.faults.rows import row
from tools.faults.world import World

UPLOADERS, PART = 8, 262_144
SIZES = (300_000, 1_500_000)
TIMEOUT_S, RETRY_S, LAST_ANSWER_S = 20.0, 0.3, 120.0
TOKEN = "f" * 32
OVER_HTTP = -1
"""In place of the number of a socket."""


@dataclass(slots=True)
class Sent:
    """A file that was acknowledged with its message."""

    id: str
    room: str
    data: bytes


class Uploader:
    """One user's device that uploads files, asks after each failure where to go on, and sends them."""

    def __init__(self, world: World, device: Device, number: int) -> None:
        self.world, self.device = world, device
        self.rng = random.Random(f"{world.rng.random()} {number}")
        self.sent: list[Sent] = []
        self.resumed = 0
        self.http = httpx.AsyncClient(
            base_url=world.rig.address,
            timeout=TIMEOUT_S,
            trust_env=False,
            headers={
                "Cookie": f"{device.cookie}; csrftoken={TOKEN}",
                "X-CSRFToken": TOKEN,
                "Origin": device.address,
            },
        )

    def new_id(self) -> str:
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    async def work(self, stop: asyncio.Event) -> None:
        async with self.http:
            while not stop.is_set():
                await self.send_one()
            for sent in self.sent:
                await self.compare(sent)

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Repeated until it is answered; the server may be down."""
        deadline = time.monotonic() + LAST_ANSWER_S
        while True:
            try:
                answer = await self.http.request(method, f"/api/v1{path}", **options)
            except httpx.TransportError:
                self.resumed += 1
            else:
                if answer.status_code not in {502, 503, 504} or time.monotonic() > deadline:
                    return answer
            await asyncio.sleep(RETRY_S)

    async def send_one(self) -> None:
        data = bytes_of(self.rng.randint(*SIZES), seed=self.rng.getrandbits(32))
        id, room = self.new_id(), next(iter(self.device.views))
        body = {"id": id, "name": "file.bin", "size": len(data), "kind": "file"}
        await self.ask("POST", "/attachments", json=body)
        await self.push(id, data)
        message, text = self.new_id(), f"file {id}"
        name = f"{self.device.name}.files"
        self.world.history.invoked(id=message, room=room, device=name, digest=hash(text), at=time.monotonic())
        path = f"/conversations/{room}/messages"
        answer = await self.ask("POST", path, json={"id": message, "body": text, "attachments": [id]})
        found = answer.json()
        if not answer.is_success:
            self.world.history.findings.add("lost", f"a complete upload could not be sent: {found}")
            return
        self.world.history.accepted(
            device=name,
            connection=OVER_HTTP,
            id=message,
            seq=found["message"]["seq"],
            # Its order among the messages of a socket is not promised.
            duplicate=True,
            at=time.monotonic(),
            waited=None,
        )
        self.sent.append(Sent(id, room, data))

    async def push(self, id: str, data: bytes) -> None:
        """Each part that was acknowledged must still be there, whatever was killed since."""
        acknowledged = 0
        while True:
            head = await self.ask("HEAD", f"/attachments/{id}")
            offset = int(head.headers.get("Upload-Offset", -1))
            if offset < acknowledged:
                self.world.history.findings.add(
                    "lost", f"{acknowledged} bytes were acknowledged, {offset} are there"
                )
                return
            try:
                answer = await self.http.patch(
                    f"/api/v1/attachments/{id}",
                    content=data[offset : offset + PART],
                    headers={"Upload-Offset": str(offset), "Content-Type": PART_TYPE},
                )
            except httpx.TransportError:
                self.resumed += 1
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status_code == 200:
                return
            if answer.status_code == 204:
                acknowledged = int(answer.headers["Upload-Offset"])
            else:
                await asyncio.sleep(RETRY_S)

    async def compare(self, sent: Sent) -> None:
        for _ in range(20):
            try:
                answer = await self.http.get(f"/files/{sent.id}/file.bin")
            except httpx.TransportError:
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status_code == 200:
                if answer.content != sent.data:
                    self.world.history.findings.add("lost", f"file {sent.id} has other bytes")
                return
            await asyncio.sleep(RETRY_S)
        self.world.history.findings.add("lost", f"file {sent.id} cannot be downloaded")


@row(
    "F34",
    rigs="SP",
    fault="kill -9 while files are uploaded and sent, 50 times",
    expected="every acknowledged byte is there, 0 files orphaned after the sweep",
)
async def killed_while_uploading(world: World) -> Figures:
    figures, rig = Figures(), world.rig
    before = stored_files(world)
    devices = world.rng.sample(world.crowd.writers, min(UPLOADERS, len(world.crowd.writers)))
    uploaders = [Uploader(world, device, number) for number, device in enumerate(devices)]
    stop = asyncio.Event()
    working = [asyncio.create_task(uploader.work(stop)) for uploader in uploaders]
    count = world.times(50, least=3)
    for _ in range(count):
        await asyncio.sleep(world.rng.uniform(0.2, 1.5))
        index = world.rng.choice(rig.processes)
        await rig.kill_server(index)
        await rig.start_server(index)
        await world.crowd.all_live(60)
    stop.set()
    await asyncio.gather(*working)
    sent = sum(len(uploader.sent) for uploader in uploaders)
    # Nothing is being uploaded any more.
    await asyncio.to_thread(rig.server.manage, "sweepfiles", "--minutes", "0")
    figures.add("kills", count)
    figures.add("files sent", sent)
    figures.add("requests repeated", sum(uploader.resumed for uploader in uploaders))
    figures.add("files orphaned after the sweep", stored_files(world) - before - sent, goal=0)
    return figures


def stored_files(world: World) -> int:
    folder = world.rig.server.data_folder / "attachments"
    return sum(path.is_file() for path in folder.rglob("*"))
