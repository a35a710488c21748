"""Clients that only read while parts break: their slowest response, and what was rejected."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from websockets.asyncio.client import connect

from tools.faults.figures import Figures
from tools.faults.world import World

POLL_S = 0.25


class Readers:
    """One user over HTTP and over a socket, in the first conversation of the crowd."""

    def __init__(self, world: World) -> None:
        conversation = world.crowd.conversations[0]
        self.address, self.room, self.cookie = (
            world.rig.address,
            conversation["room"],
            conversation["people"][0]["cookies"][0],
        )
        self.pages: list[float] = []
        self.pongs: list[float] = []
        self.refused = 0

    async def read(self) -> None:
        async with httpx.AsyncClient(
            base_url=self.address, timeout=30, trust_env=False, headers={"Cookie": self.cookie}
        ) as http:
            while True:
                began = time.monotonic()
                answer = await http.get(f"/api/v1/conversations/{self.room}/messages")
                self.pages.append(time.monotonic() - began)
                self.refused += answer.status_code != httpx.codes.OK
                await asyncio.sleep(POLL_S)

    async def ping(self) -> None:
        headers = {"Cookie": self.cookie, "Origin": self.address}
        async with connect(
            f"{self.address.replace('http', 'ws', 1)}/ws/",
            additional_headers=headers,
            proxy=None,
            max_queue=None,
        ) as socket:
            await socket.recv()
            while True:
                began = time.monotonic()
                await socket.send('{"type": "ping"}')
                while json.loads(await socket.recv())["type"] != "pong":
                    pass
                self.pongs.append(time.monotonic() - began)
                await asyncio.sleep(POLL_S)

    def report(self, figures: Figures) -> None:
        figures.add("reads over HTTP", len(self.pages))
        figures.add("reads refused", self.refused, goal=0)
        figures.add("read, worst", max(self.pages, default=float("inf")), "s")
        figures.add("pong, worst", max(self.pongs, default=float("inf")), "s")


@asynccontextmanager
async def readers(world: World) -> AsyncIterator[Readers]:
    found = Readers(world)
    tasks = [asyncio.ensure_future(work()) for work in (found.read, found.ping)]
    await asyncio.sleep(1)
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
