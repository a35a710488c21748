"""The two set-ups, with a method for each thing that can break.

S: one process, SQLite, the local layer. P: three processes on PostgreSQL and Redis. In both, clients
connect through a proxy of ours; in P each process also has its own proxy to Redis. Each method may be
called under load; `heal` undoes all.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.servers import NoStatics
from tests.rig.broken_file import locked
from tests.rig.daphne_server import EntreServer
from tests.rig.environment import ROOT
from tests.rig.postgres import PostgresServer, running_postgres
from tests.rig.redis_server import RedisServer
from tests.rig.temporary import make_folder, remove_folder
from tools.faults.logs import Errors, errors_in
from tools.faults.proxy import Proxy, Target

PROCESSES = {"S": 1, "P": 3}


class RiggedServer(EntreServer):
    """The service with the hooks, and with environment values of each process."""

    own_values: list[dict[str, str]]

    def launch(self, index: int = 0) -> subprocess.Popen[bytes]:
        common = self.environment
        self.environment = {**common, **(self.own_values[index] if index < len(self.own_values) else {})}
        try:
            return super().launch(index)
        finally:
            self.environment = common


class Rig:
    """Use as an asynchronous context manager.

    Args:
        name: "S" or "P".
        values: environment values of the service beyond the suite's own.
    """

    server: RiggedServer
    proxy: Proxy
    postgres: PostgresServer
    redis: RedisServer

    def __init__(self, name: str, **values: str) -> None:
        self.name = name
        self.values = values
        self.folder = make_folder("faults")
        self.stack = AsyncExitStack()
        self.redis_proxies: list[Proxy] = []
        self.paused: set[int] = set()
        self.replaced: set[int] = set()
        self.is_redis_up = True
        self.is_postgres_up = True

    async def __aenter__(self) -> Rig:
        self.stack.callback(remove_folder, self.folder)
        try:
            await self.open()
        except BaseException:
            await self.stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.heal()
        await self.stack.aclose()

    async def open(self) -> None:
        values = {
            "DJANGO_SETTINGS_MODULE": "tools.faults.settings",
            "FAULTS_FOLDER": str(self.folder),
            "LIMITS": "off",
            "ADMIN": "on",
            "HEADS_EVERY_MS": "",
        }
        own: list[dict[str, str]] = []
        if self.name == "P":
            self.postgres = self.stack.enter_context(running_postgres())
            self.redis = self.stack.enter_context(RedisServer())
            values["DATABASE_URL"] = self.postgres.new_database()
            # Management commands connect directly.
            values["REDIS_URL"] = self.redis.url
            for index in range(PROCESSES["P"]):
                way = Proxy([Target(path=self.redis.socket)], path=self.folder / f"redis-{index}.sock")
                self.redis_proxies.append(await self.stack.enter_async_context(way))
                own.append({"REDIS_URL": f"unix://{way.path}"})
        self.server = RiggedServer(
            NoStatics(self.folder / "static"), PROCESSES[self.name], **{**values, **self.values}
        )  # type: ignore[arg-type]
        self.server.own_values = own
        # In a thread: this event loop runs the proxies to Redis that the servers need.
        await asyncio.to_thread(self.server.__enter__)
        self.stack.push_async_callback(asyncio.to_thread, self.server.__exit__, None, None, None)
        self.targets = [Target(port=port) for port in self.server.ports]
        self.proxy = await self.stack.enter_async_context(Proxy(self.targets))

    @property
    def address(self) -> str:
        """The address for clients."""
        return f"http://127.0.0.1:{self.proxy.port}"

    @property
    def processes(self) -> range:
        return range(len(self.server.ports))

    async def people(self, pairs: int, devices: int = 2) -> list[dict[str, Any]]:
        """Logged-in pairs (see `make_people`)."""
        command = [sys.executable, "-m", "tools.faults.make_people", str(pairs), str(devices)]
        made = await asyncio.to_thread(
            subprocess.run,
            command,
            cwd=ROOT,
            env=self.server.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        found: list[dict[str, Any]] = json.loads(made.stdout)
        return found

    # The processes of the service

    async def kill_server(self, index: int = 0) -> None:
        """kill -9: no `bye`, no flush."""
        self.paused.discard(index)
        await asyncio.to_thread(self.server.stop, index, signal.SIGKILL)

    async def term_server(self, index: int = 0) -> float:
        """SIGTERM, as a deployment does. Returns the seconds until it ended."""
        began = time.monotonic()
        await asyncio.to_thread(self.server.stop, index)
        return time.monotonic() - began

    async def start_server(self, index: int = 0) -> float:
        """Returns the seconds until it answers."""
        began = time.monotonic()
        await asyncio.to_thread(self.server.start, index)
        return time.monotonic() - began

    async def wait_until_it_dies(self, index: int, within: float = 20.0) -> bool:
        """For hooks that make the process kill itself."""
        process = self.server.processes[index]
        deadline = time.monotonic() + within
        while process is not None and process.poll() is None:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    @contextmanager
    def replacing(self, index: int) -> Iterator[None]:
        """During the block no other fault may kill this process, or its start would never finish."""
        self.replaced.add(index)
        try:
            yield
        finally:
            self.replaced.discard(index)

    def is_running(self, index: int) -> bool:
        process = self.server.processes[index]
        return process is not None and process.poll() is None

    def pause_server(self, index: int = 0) -> None:
        """SIGSTOP: it keeps its sockets and does nothing, as a machine that swaps."""
        process = self.server.processes[index]
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        self.paused.add(index)

    def continue_server(self, index: int = 0) -> None:
        process = self.server.processes[index]
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
        self.paused.discard(index)

    # The network between clients and service

    def cut_connections(self, index: int | None = None) -> int:
        """End every connection (to this process) without a close frame."""
        return self.proxy.cut(None if index is None else self.targets[index])

    def freeze_connections(self, *directions: str) -> None:
        """Forward nothing, silently (see proxy.FORWARD, proxy.BACK)."""
        self.proxy.freeze(*directions)

    def thaw_connections(self) -> None:
        self.proxy.heal()

    # Redis (P only)

    async def kill_redis(self) -> None:
        self.is_redis_up = False
        await asyncio.to_thread(self.redis.stop, signal.SIGKILL)

    async def start_redis(self) -> None:
        await asyncio.to_thread(self.redis.start)
        self.is_redis_up = True

    def freeze_redis(self) -> None:
        self.redis.freeze()

    def thaw_redis(self) -> None:
        self.redis.thaw()

    def cut_redis_of(self, index: int) -> None:
        """Only this process loses Redis."""
        self.redis_proxies[index].refuse()

    def drop_redis_packets(self) -> None:
        """Nothing passes between the service and Redis, and no connection ends."""
        for way in self.redis_proxies:
            way.freeze()

    def heal_redis_proxies(self) -> None:
        for way in self.redis_proxies:
            way.heal()

    # The database

    async def stop_postgres(self, how: str = "fast") -> None:
        """`fast`, or `immediate`, which is like a loss of power."""
        self.is_postgres_up = False
        await asyncio.to_thread(self.postgres.stop, how)

    async def start_postgres(self) -> None:
        await asyncio.to_thread(self.postgres.start)
        self.is_postgres_up = True

    @property
    def sqlite_file(self) -> Path:
        return self.server.data_folder / "entre.sqlite3"

    async def lock_sqlite(self, seconds: float) -> None:
        """Hold the write lock from another process."""
        await asyncio.to_thread(hold_lock, self.sqlite_file, seconds)

    # Hooks inside the service

    def set_hook(self, name: str, content: str = "") -> None:
        """Switch a hook on with this setting, or off with "". It takes effect within a tenth of a second."""
        path = self.folder / name
        if content:
            beside = path.with_suffix(".new")
            beside.write_text(content, encoding="ascii")
            beside.replace(path)
        else:
            path.unlink(missing_ok=True)

    # Healing

    async def heal(self) -> None:
        """Undo all faults; everything works when this returns."""
        for hook in ("chaos", "clock", "slow"):
            self.set_hook(hook)
        for index in tuple(self.paused):
            self.continue_server(index)
        if self.name == "P":
            if not self.is_postgres_up:
                await self.start_postgres()
            if not self.is_redis_up:
                await self.start_redis()
            with suppress(ProcessLookupError):
                self.thaw_redis()
            self.heal_redis_proxies()
        self.proxy.heal()
        for index in self.processes:
            if not self.is_running(index):
                await self.start_server(index)

    def errors(self) -> Errors:
        """Errors in the logs of all processes since their first start."""
        found = Errors()
        for index in self.processes:
            one = errors_in(self.server.log(index))
            found.unhandled += one.unhandled
            found.known += one.known
            found.examples += one.examples
        return found


def hold_lock(file: Path, seconds: float) -> None:
    with locked(file):
        time.sleep(seconds)
