"""Overload and bad data: the cache gone, every query slow, rows that cannot be decoded."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.rig.daphne_server import SharedStatics, free_port
from tests.rig.environment import ROOT
from tools.faults.figures import Figures
from tools.faults.rigs import Rig
from tools.faults.rows import row
from tools.faults.rows.database import stayed
from tools.faults.world import World

TOKEN = "f" * 32


# --- The cache gone ---


@row(
    "F28",
    rigs="P",
    fault="cache and rate-limit store gone",
    expected="sending falls back to a local bucket; sign-in limiter fails closed; no 500",
)
async def cache_gone(world: World) -> Figures:
    """In an extra process with the limits on, which the processes of the rig have off."""
    figures, rig = Figures(), world.rig
    port = free_port()
    statics = SharedStatics()
    folder = await asyncio.to_thread(statics.collect)
    environment = {**rig.server.environment, "LIMITS": "on", "PORT": str(port), "STATIC_ROOT": str(folder)}
    del environment["DJANGO_SETTINGS_MODULE"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dm_project.server",
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(
            base_url=address, timeout=30, trust_env=False, headers={"Origin": address}
        ) as http:
            await until_answering(http)
            began = time.monotonic()
            await rig.kill_redis()
            try:
                http.cookies.set("csrftoken", TOKEN)
                fields = {"login": "left0", "password": "no such password", "csrfmiddlewaretoken": TOKEN}
                tries = [
                    (
                        await http.post("/accounts/login/", data=fields, headers={"Referer": address})
                    ).status_code
                    for _ in range(5)
                ]
                outside = world.crowd.outsider
                statuses = await burst(http, outside.cookie, next(iter(outside.views)))
                await asyncio.sleep(max(0.0, began + world.lasting(20, least=5) - time.monotonic()))
            finally:
                await rig.start_redis()
    finally:
        process.terminate()
        await process.wait()
        statics.remove()
    figures.add("tries to sign in refused with 503", tries.count(503), goal=len(tries), at_least=True)
    figures.add("requests of a burst let in", statuses.count(404))
    figures.add("requests of a burst limited", statuses.count(429), goal=1, at_least=True)
    figures.add("answers with 500", (tries + statuses).count(500), goal=0)
    world.speeds(figures, began, acks=500)
    if 500 in tries + statuses or any(status in {200, 302} for status in tries):
        raise AssertionError(f"tries {tries}, burst {set(statuses)}")
    return figures


async def until_answering(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(httpx.TransportError):
                await http.get("/healthz")
                return
            await asyncio.sleep(0.1)


async def burst(http: httpx.AsyncClient, cookie: str, room: str) -> list[int]:
    """Sends into an unknown room: they count for the limit, and nothing is stored."""
    headers = {"Cookie": f"{cookie}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN}
    elsewhere = f"dm-{'a' * 32}"
    bodies = [{"id": f"00000000-0000-4000-8000-{number:012d}", "body": "hello"} for number in range(150)]
    path = f"/api/v1/conversations/{elsewhere}/messages"
    return [
        answer.status_code
        for answer in await asyncio.gather(*(http.post(path, json=body, headers=headers) for body in bodies))
    ]


# --- Slow ---


@row(
    "F29",
    rigs="SP",
    fault="every query takes 2 s longer, for 60 s",
    expected="overload errors ≤ 500 ms, no growth of queues beyond bounds",
)
async def slow(world: World) -> Figures:
    figures, rig, began = Figures(), world.rig, time.monotonic()
    before = [size_of(rig, index) for index in rig.processes]
    refused = Waits()
    rig.set_hook("slow", "2")
    asking = [asyncio.ensure_future(ask_always(world, number, refused)) for number in range(60)]
    try:
        await asyncio.sleep(world.lasting(60, least=15))
        after = [size_of(rig, index) for index in rig.processes]
    finally:
        rig.set_hook("slow")
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    healed = time.monotonic()
    figures.add("queries refused", len(refused.waits))
    if refused.waits:
        ordered = sorted(refused.waits)
        figures.add("refused after p50", 1000 * ordered[len(ordered) // 2], "ms", goal=500)
        figures.add("refused after, worst", ordered[-1], "s")
    figures.add(
        "growth of a process, worst",
        max(now[0] - then[0] for now, then in zip(after, before, strict=True)),
        "MiB",
    )
    figures.add("threads of a process, most", max(now[1] for now in after))
    stayed(world, figures, began)
    await world.emptied(figures, healed, goal=15)
    return figures


class Waits:
    def __init__(self) -> None:
        self.waits: list[float] = []


async def ask_always(world: World, number: int, refused: Waits) -> None:
    """A socket that sends `sync` again after each reply."""
    conversation = world.crowd.conversations[number % len(world.crowd.conversations)]
    headers = {"Cookie": conversation["people"][0]["cookies"][0], "Origin": world.rig.address}
    sync = json.dumps({"type": "sync", "rooms": {conversation["room"]: 0}})
    while True:
        with suppress(Exception):
            async with connect(
                f"{world.rig.address.replace('http', 'ws', 1)}/ws/",
                additional_headers=headers,
                proxy=None,
                max_queue=None,
                open_timeout=60,
            ) as socket:
                while True:
                    frame = json.loads(await socket.recv())
                    if frame["type"] == "connection_established":
                        break
                while True:
                    began = time.monotonic()
                    await socket.send(sync)
                    while (frame := json.loads(await socket.recv()))["type"] not in {"sync.page", "error"}:
                        pass
                    if frame["type"] == "error":
                        refused.waits.append(time.monotonic() - began)
                        await asyncio.sleep(frame["retry_after_ms"] / 1000)
        await asyncio.sleep(1)


def size_of(rig: Rig, index: int) -> tuple[float, int]:
    """Resident MiB and threads of a process."""
    process = rig.server.processes[index]
    assert process is not None
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"])


# --- Poison ---

POISON = {
    "S": (
        "body = CAST(x'68ff69' AS TEXT)",
        "body = x'00ff00'",
        "sender_id = 987654321",
        "kind = 'later'",
        "created_at = 'yesterday'",
    ),
    "P": ("sender_id = 987654321", "kind = 'later'"),
}


@row(
    "F30",
    rigs="SP",
    fault="poison rows: undecodable body, missing sender, unknown kind",
    expected="placeholder; both people catch up past it",
)
async def poisoned(world: World) -> Figures:
    """In a conversation of its own: the checker would report a spoiled row as wrong."""
    figures, rig = Figures(), world.rig
    conversation = await pair_of_its_own(rig)
    bodies = [f"message {number}" for number in range(1, 8)]
    async with httpx.AsyncClient(
        base_url=rig.address, timeout=30, trust_env=False, headers={"Origin": rig.address}
    ) as http:
        for number, body in enumerate(bodies):
            headers = {
                "Cookie": f"{conversation['people'][number % 2]['cookies'][0]}; csrftoken={TOKEN}",
                "X-CSRFToken": TOKEN,
            }
            id = f"00000000-0000-4000-9000-{number:012d}"
            answer = await http.post(
                f"/api/v1/conversations/{conversation['room']}/messages",
                json={"id": id, "body": body},
                headers=headers,
            )
            answer.raise_for_status()
        for columns in POISON[rig.name]:
            await asyncio.to_thread(spoil, rig, conversation["room"], 4, columns)
            for person in conversation["people"]:
                page = await caught_up(rig, conversation["room"], person["cookies"][0])
                require_whole(page["messages"], bodies, columns)
                answer = await http.get(
                    f"/api/v1/conversations/{conversation['room']}/messages",
                    headers={"Cookie": person["cookies"][0]},
                )
                require_whole(answer.json()["items"], bodies, columns)
                listed = await http.get("/api/v1/conversations", headers={"Cookie": person["cookies"][0]})
                listed.raise_for_status()
    figures.add(
        "kinds of poison passed by both", len(POISON[rig.name]), goal=len(POISON[rig.name]), at_least=True
    )
    return figures


def require_whole(messages: list[Any], bodies: list[str], columns: str) -> None:
    others = [message["body"] for message in messages if message["seq"] != 4]
    if [message["seq"] for message in messages] != list(range(1, 8)) or others != bodies[:3] + bodies[4:]:
        raise AssertionError(f"messages are missing beyond {columns}: {messages}")


OWN_PAIR = """
import json
from tools.faults import make_people
from django.db import transaction
with transaction.atomic():
    print(json.dumps(make_people.pair(0, 1, prefix="poisoned")))
"""


async def pair_of_its_own(rig: Rig) -> dict[str, Any]:
    """Users that no history records."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", OWN_PAIR],
        cwd=ROOT,
        env=rig.server.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def spoil(rig: Rig, room: str, seq: int, columns: str) -> None:
    """Bypasses all constraints."""
    where = f"conversation_id = (SELECT id FROM conversation WHERE room_name = '{room}') AND seq = {seq}"
    statement = f"UPDATE message SET {columns} WHERE {where}"
    if rig.name == "S":
        connection = sqlite3.connect(rig.sqlite_file, isolation_level=None, timeout=30)
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(statement)
        connection.close()
    else:
        name = urlsplit(rig.server.environment["DATABASE_URL"]).path[1:]
        rig.postgres.execute(f"SET session_replication_role = replica; {statement}", database=name)


async def caught_up(rig: Rig, room: str, cookie: str) -> Any:
    """The `sync` page of a new device. Reconnects when the server closes the socket for load."""
    headers = {"Cookie": cookie, "Origin": rig.address}
    async with asyncio.timeout(60):
        while True:
            with suppress(ConnectionClosed):
                async with connect(
                    f"{rig.address.replace('http', 'ws', 1)}/ws/",
                    additional_headers=headers,
                    proxy=None,
                    max_queue=None,
                ) as socket:
                    await socket.send(json.dumps({"type": "sync", "rooms": {room: 0}}))
                    while (frame := json.loads(await socket.recv()))["type"] != "sync.page":
                        pass
                    return frame
            await asyncio.sleep(1)
