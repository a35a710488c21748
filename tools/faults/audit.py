"""Reads everything after healing, as a new device does: history over HTTP, and `sync` from 0 over a new
socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tools.faults.changes import state_of
from tools.faults.checker import Reading, Row
from tools.faults.crowd import Crowd

PAGE = 100
AT_ONCE = 16
TIMEOUT_S = 60.0


class RetryLater(Exception):
    """The server asked for a retry."""


class Audit:
    """Keeps what it has read of each room: where nothing is changed, the next reading begins where this one
    ended."""

    def __init__(self, crowd: Crowd, address: str) -> None:
        self.crowd, self.address = crowd, address
        self.logs: dict[str, Reading] = {}
        self.changes: dict[str, int] = {}
        self.gate = asyncio.Semaphore(AT_ONCE)

    async def read(self, *, is_whole: bool = False) -> tuple[list[Reading], list[Reading]]:
        """The log of each room as one participant reads it, and readings of new devices of both participants.

        Args:
            is_whole: both participants read everything over HTTP, from the first message.
        """
        async with httpx.AsyncClient(base_url=self.address, timeout=TIMEOUT_S, trust_env=False) as http:
            rooms = await asyncio.gather(
                *(
                    self.read_room(http, conversation, is_whole=is_whole)
                    for conversation in self.crowd.conversations
                )
            )
        return [self.logs[conversation["room"]] for conversation in self.crowd.conversations], [
            reading for readings in rooms for reading in readings
        ]

    async def read_room(
        self, http: httpx.AsyncClient, conversation: dict[str, Any], *, is_whole: bool
    ) -> list[Reading]:
        room, people = conversation["room"], list(conversation["people"])
        self.crowd.rng.shuffle(people)
        async with self.gate:
            changes = len(self.crowd.history.changes_in[room])
            before = self.logs.get(room) if changes == self.changes.get(room, 0) else None
            self.changes[room] = changes
            self.logs[room] = await self.read_over_http(http, room, people[0], None if is_whole else before)
            readings = [await self.read_over_socket(room, person) for person in people]
            if is_whole:
                readings.append(await self.read_over_http(http, room, people[1], None))
        return readings

    async def read_over_http(
        self, http: httpx.AsyncClient, room: str, person: dict[str, Any], before: Reading | None
    ) -> Reading:
        """Reads from the first message, or from where the reading `before` ended."""
        rows = list(before.rows) if before else []
        headers = {"Cookie": person["cookies"][0]}
        unread_from = 0
        while True:
            after = rows[-1].seq if rows else 0
            page = await get(
                http, f"/api/v1/conversations/{room}/messages?after={after}&limit={PAGE}", headers
            )
            rows += [row_of(item) for item in page["items"]]
            if len(page["items"]) < PAGE:
                break
        conversation = await get(http, f"/api/v1/conversations/{room}", headers)
        unread_from = conversation["read"]
        mine = {
            send.id
            for row in rows
            if row.seq > unread_from
            and (send := self.crowd.history.sends.get(row.id))
            and is_of(send, person)
        }
        expected = sum(row.seq > unread_from and row.id not in mine for row in rows)
        return Reading(
            f"{person['username']} over HTTP",
            room,
            page["version"],
            rows,
            unread=conversation["unread"],
            expected_unread=expected,
        )

    async def read_over_socket(self, room: str, person: dict[str, Any]) -> Reading:
        """A new device. Under load the server may close its socket or reject its `sync`; it retries."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                try:
                    return await self.try_over_socket(room, person)
                except (OSError, ConnectionClosed, RetryLater):
                    await asyncio.sleep(1)

    async def try_over_socket(self, room: str, person: dict[str, Any]) -> Reading:
        """A device far behind gets the newest page with `reset` and starts there."""
        cookie = {"Cookie": person["cookies"][0], "Origin": self.address}
        url = f"{self.address.replace('http', 'ws', 1)}/ws/chat/{room}/"
        rows: dict[int, Row] = {}
        base = cursor = 0
        async with connect(
            url, additional_headers=cookie, compression=None, proxy=None, ping_interval=None, close_timeout=1
        ) as socket:
            while True:
                await socket.send(json.dumps({"type": "sync", "rooms": {room: cursor}}))
                while (page := json.loads(await socket.recv()))["type"] != "sync.page":
                    if page["type"] == "error":
                        raise RetryLater
                if page["reset"]:
                    rows.clear()
                    base = page["messages"][0]["seq"] - 1 if page["messages"] else page["version"]
                rows.update({item["seq"]: row_of(item) for item in page["messages"] if item["seq"] > base})
                cursor = page["version"]
                if not page["more"]:
                    break
        return Reading(
            f"a new device of {person['username']}",
            room,
            cursor,
            [rows[seq] for seq in sorted(rows)],
            base=base,
        )


def is_of(send: Any, person: dict[str, Any]) -> bool:
    return bool(send.device.partition(".")[0] == person["username"])


def row_of(item: dict[str, Any]) -> Row:
    return Row(item["seq"], item["id"], state_of(item), item["created_at"])


async def get(http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> Any:
    """Retries when a connection is cut."""
    for attempt in range(10):
        try:
            answer = await http.get(path, headers=headers)
            if answer.status_code < 500:
                answer.raise_for_status()
                return answer.json()
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.2 * (attempt + 1))
    raise RuntimeError(f"{path} cannot be read")
