"""Faults of the database: restarted, locked, misconfigured, full, restored from a backup."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.rig.broken_file import full_disk as without_disk_space
from tests.rig.daphne_server import free_port
from tests.rig.environment import ROOT
from tools.faults.crowd import until
from tools.faults.figures import Figures
from tools.faults.history import percentile
from tools.faults.readers import readers
from tools.faults.rigs import Rig
from tools.faults.rows import row
from tools.faults.world import World


def stayed(world: World, figures: Figures, began: float) -> None:
    ended = sum(ending.at >= began for device in world.crowd.devices for ending in device.endings)
    figures.add(
        "sockets that stayed", 100 * (1 - ended / len(world.crowd.devices)), "%", goal=100, at_least=True
    )


def refusals(world: World, figures: Figures, began: float, *, goal: float | None) -> None:
    waits = world.history.refused_after.since(began)
    figures.add("sends refused", len(waits))
    if waits:
        figures.add("refused after, worst", waits[-1], "s", goal=goal)


# --- Restarted ---


@row(
    "F9",
    rigs="P",
    fault="PostgreSQL fast and immediate restart, 20 times",
    expected="sockets stay; retryable frame ≤ 2.5 s; back ≤ 5 s after the database accepts",
)
async def restarted(world: World) -> Figures:
    figures, rig, first = Figures(), world.rig, time.monotonic()
    emptied = Figures()
    count = world.times(20, least=2)
    for number in range(count):
        await world.crowd.all_live(60)
        await rig.stop_postgres(("fast", "immediate")[number % 2])
        await asyncio.sleep(world.rng.uniform(0.5, 3))
        await rig.start_postgres()
        await world.emptied(emptied, time.monotonic(), goal=5)
    figures.add("restarts", count)
    stayed(world, figures, first)
    refusals(world, figures, first, goal=2.5)
    figures.add(
        "outbox empty after the database accepts, worst",
        max(figure.value for figure in emptied.all),
        "s",
        goal=5,
    )
    return figures


# --- Locked ---


@row(
    "F11",
    rigs="S",
    fault="SQLite lock held by another process for 3 s, then 10 s",
    expected="3 s: no error; 10 s: `busy` ≤ 5.5 s",
)
async def locked(world: World) -> Figures:
    figures = Figures()
    for seconds in (3, 10):
        before, began = sum(world.history.refusals.values()), time.monotonic()
        async with readers(world) as reading:
            await world.rig.lock_sqlite(seconds)
        figures.add(
            f"locked for {seconds} s: refused",
            sum(world.history.refusals.values()) - before,
            goal=0 if seconds == 3 else None,
        )
        if seconds == 10:
            refusals(world, figures, began, goal=5.5)
        reading.report(figures)
        stayed(world, figures, began)
        await world.emptied(figures, time.monotonic(), goal=5)
    return figures


# --- At the start ---

BROKEN = {
    "deferred": "DATABASES['default']['OPTIONS']['transaction_mode'] = 'DEFERRED'",
    "not_full": "DATABASES['default']['OPTIONS']['init_command'] ="
    " 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL'",
}


@row(
    "F12",
    rigs="S",
    fault="start-up with deferred transactions, or without synchronous FULL",
    expected="refuses to start",
)
async def misconfigured(world: World) -> Figures:
    figures = Figures()
    for name, line in BROKEN.items():
        (world.rig.folder / f"{name}.py").write_text(f"from dm_project.settings import *\n{line}\n")
        words = {
            "DJANGO_SETTINGS_MODULE": name,
            "PYTHONPATH": f"{world.rig.folder}{os.pathsep}{ROOT}",
            "PORT": str(free_port()),
        }
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "dm_project.server"],
            cwd=ROOT,
            env={**world.rig.server.environment, **words},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode == 0 or "Entre cannot start: " not in done.stderr:
            raise AssertionError(f"it started with {name}: {done.stdout} {done.stderr}")
        figures.add(f"{name}: refused with exit code", done.returncode)
    return figures


# --- Full ---

FULL = (
    "CREATE OR REPLACE FUNCTION no_space() RETURNS trigger AS"
    " $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$ LANGUAGE plpgsql"
)


@asynccontextmanager
async def full_disk(rig: Rig) -> AsyncIterator[None]:
    """S: writes of the process fail. P: the database reports a full disk."""
    if rig.name == "P":
        name = urlsplit(rig.server.environment["DATABASE_URL"]).path[1:]
        await asyncio.to_thread(rig.postgres.execute, FULL, database=name)
        await asyncio.to_thread(
            rig.postgres.execute,
            "CREATE TRIGGER full_disk BEFORE INSERT ON message EXECUTE FUNCTION no_space()",
            database=name,
        )
        try:
            yield
        finally:
            await asyncio.to_thread(rig.postgres.execute, "DROP TRIGGER full_disk ON message", database=name)
        return
    process = rig.server.processes[0]
    assert process is not None
    with without_disk_space(process.pid):
        yield


@row(
    "F20",
    rigs="SP",
    fault="disk full: database and log (there are no uploads yet)",
    expected="`storage_full`, reads and sockets work; readiness red ≤ 10 s; back ≤ 5 s; integrity ok",
)
async def disk_full(world: World) -> Figures:
    figures, rig, began = Figures(), world.rig, time.monotonic()
    before = dict(world.history.refusals)
    async with readers(world) as reading, full_disk(rig):
        full_at = time.monotonic()
        figures.add("readiness red after", await ready_becomes(rig, 503), "s", goal=10)
        await asyncio.sleep(max(0.0, full_at + world.lasting(60, least=8) - time.monotonic()))
    free_at = time.monotonic()
    green = asyncio.ensure_future(ready_becomes(rig, 200))
    await world.emptied(figures, free_at, goal=5)
    reading.report(figures)
    stayed(world, figures, began)
    for code, count in sorted(world.history.refusals.items()):
        if count > before.get(code, 0):
            figures.add(f"refused with {code}", count - before.get(code, 0))
    figures.add("readiness green again after", await green, "s")
    if rig.name == "S":
        with sqlite3.connect(rig.sqlite_file) as database:
            if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise AssertionError("the integrity check failed")
    return figures


async def ready_becomes(rig: Rig, status: int, within: float = 30.0) -> float:
    """Seconds until one process reports this status."""
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        while time.monotonic() - began < within:
            found = [
                (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code for port in rig.server.ports
            ]
            if status in found:
                return time.monotonic() - began
            await asyncio.sleep(0.2)
    return float("inf")


# --- Restored ---


@row(
    "F26",
    rigs="SP",
    fault="a backup restored that is 10 min old",
    expected="epoch changes; clients agree with the server ≤ 10 s; no crash; unacknowledged sends are kept",
)
async def restored(world: World) -> Figures:
    figures, rig = Figures(), world.rig
    backup = rig.folder / "backup"
    if rig.name == "S":
        await asyncio.to_thread(save_sqlite, rig.sqlite_file, backup)
    else:
        # A folder that the user of the database may write to.
        backup = Path(rig.postgres.package.pgdata) / "backup.dump"
        await asyncio.to_thread(
            rig.postgres.program,
            "pg_dump",
            "--format=custom",
            f"--file={backup}",
            rig.server.environment["DATABASE_URL"],
        )
    await asyncio.sleep(world.lasting(600, least=5))
    epochs = {device.epoch for device in world.crowd.devices}
    for index in rig.processes:
        await rig.term_server(index)
    kept = sum(len(device.outbox) for device in world.crowd.devices)
    lost = world.acknowledged
    world.history.restored()
    world.audit.logs.clear()
    if rig.name == "S":
        await asyncio.to_thread(load_sqlite, backup, rig.sqlite_file)
    else:
        words = (
            "--clean",
            "--if-exists",
            "--single-transaction",
            f"--dbname={rig.server.environment['DATABASE_URL']}",
            str(backup),
        )
        await asyncio.to_thread(rig.postgres.program, "pg_restore", *words)
        backup.unlink()
    await asyncio.to_thread(rig.server.manage, "restored")
    world.refresh()
    began = time.monotonic()
    await asyncio.gather(*(rig.start_server(index) for index in rig.processes))
    answers = time.monotonic()
    await world.crowd.all_live(60)
    # Time before the greeting belongs to the outage and the backoff of the clients.
    agreed = [
        device.live_at - max(device.greeted_at, answers) for device in world.crowd.devices if device.is_live
    ]
    figures.add("in agreement after the greeting, worst", max(agreed, default=float("inf")), "s", goal=10)
    figures.add("99 % back after the port answers", percentile(world.crowd.back_after(answers), 0.99), "s")
    changed = await until(lambda: not epochs & {device.epoch for device in world.crowd.devices}, 30)
    figures.add("start and return together", time.monotonic() - began, "s")
    figures.add(
        "devices in the new epoch",
        len(world.crowd.devices) if changed else 0,
        goal=len(world.crowd.devices),
        at_least=True,
    )
    figures.add("acknowledged before", lost)
    figures.add("unsent and kept", kept)
    return figures


def save_sqlite(file: Path, backup: Path) -> None:
    backup.unlink(missing_ok=True)
    with sqlite3.connect(file, timeout=30) as connection:
        connection.execute("VACUUM INTO ?", [str(backup)])


def load_sqlite(backup: Path, file: Path) -> None:
    for name in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        name.unlink(missing_ok=True)
    backup.replace(file)
