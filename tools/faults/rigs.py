"""The two set-ups with handles for everything that can break.

S: one process, SQLite, the local layer. P: three processes on PostgreSQL and Redis. In both, clients go through a proxy of ours; in P
each process has a proxy of its own to Redis as well. Every handle can be called while people write; `heal` puts all back.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import tempfile
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
from tools.faults.logs import Errors, errors_in
from tools.faults.proxy import Proxy, Target

PROCESSES = {"S": 1, "P": 3}


class RiggedServer(EntreServer):
    """The service with our hooks in it (`rigged`), and with values that differ between its processes."""

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
    front: Proxy
    postgres: PostgresServer
    redis: RedisServer

    def __init__(self, name: str, **values: str) -> None:
        self.name = name
        self.values = values
        self.folder = Path(tempfile.mkdtemp(prefix="entre-faults-"))
        self.stack = AsyncExitStack()
        self.redis_ways: list[Proxy] = []
        self.paused: set[int] = set()
        self.replaced: set[int] = set()
        self.is_redis_up = True
        self.is_postgres_up = True

    async def __aenter__(self) -> Rig:
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
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
            "DJANGO_SETTINGS_MODULE": "tools.faults.rigged",
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
            # What is started by hand (migrations, people) takes the straight way.
            values["REDIS_URL"] = self.redis.url
            for index in range(PROCESSES["P"]):
                way = Proxy([Target(path=self.redis.socket)], path=self.folder / f"redis-{index}.sock")
                self.redis_ways.append(await self.stack.enter_async_context(way))
                own.append({"REDIS_URL": f"unix://{way.path}"})
        self.server = RiggedServer(
            NoStatics(self.folder / "static"), PROCESSES[self.name], **{**values, **self.values}
        )  # type: ignore[arg-type]
        self.server.own_values = own
        # In a thread: the ways to Redis are carried by this very loop.
        await asyncio.to_thread(self.server.__enter__)
        self.stack.push_async_callback(asyncio.to_thread, self.server.__exit__, None, None, None)
        self.targets = [Target(port=port) for port in self.server.ports]
        self.front = await self.stack.enter_async_context(Proxy(self.targets))

    @property
    def address(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.front.port}"

    @property
    def processes(self) -> range:
        return range(len(self.server.ports))

    async def people(self, pairs: int, devices: int = 2) -> list[dict[str, Any]]:
        """Signed-in pairs (see `people`)."""
        command = [sys.executable, "-m", "tools.faults.people", str(pairs), str(devices)]
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
        """kill -9: no goodbye, no flush."""
        self.paused.discard(index)
        await asyncio.to_thread(self.server.stop, index, signal.SIGKILL)

    async def term_server(self, index: int = 0) -> float:
        """As a deployment does. Returns the seconds until it was gone."""
        began = time.monotonic()
        await asyncio.to_thread(self.server.stop, index)
        return time.monotonic() - began

    async def start_server(self, index: int = 0) -> float:
        """Returns the seconds until it answers."""
        began = time.monotonic()
        await asyncio.to_thread(self.server.start, index)
        return time.monotonic() - began

    async def wait_until_it_dies(self, index: int, within: float = 20.0) -> bool:
        """For faults that make the process kill itself."""
        process = self.server.processes[index]
        deadline = time.monotonic() + within
        while process is not None and process.poll() is None:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    @contextmanager
    def replacing(self, index: int) -> Iterator[None]:
        """Meanwhile no other fault may kill it: who waits for its start would wait in vain."""
        self.replaced.add(index)
        try:
            yield
        finally:
            self.replaced.discard(index)

    def is_running(self, index: int) -> bool:
        process = self.server.processes[index]
        return process is not None and process.poll() is None

    def pause_server(self, index: int = 0) -> None:
        """SIGSTOP: it holds its sockets and does nothing, as a machine that swaps."""
        process = self.server.processes[index]
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        self.paused.add(index)

    def continue_server(self, index: int = 0) -> None:
        process = self.server.processes[index]
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
        self.paused.discard(index)

    # The way to the clients

    def cut_lines(self, index: int | None = None) -> int:
        """End every line (to this process) without a goodbye."""
        return self.front.cut(None if index is None else self.targets[index])

    def freeze_lines(self, *directions: str) -> None:
        """Carry nothing, tell nobody (see proxy.FORWARD, proxy.BACK)."""
        self.front.freeze(*directions)

    def thaw_lines(self) -> None:
        self.front.heal()

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
        """This process cannot reach Redis any more; the others can."""
        self.redis_ways[index].refuse()

    def drop_redis_packets(self) -> None:
        """Nothing comes or goes between the service and Redis, and no connection ends."""
        for way in self.redis_ways:
            way.freeze()

    def heal_redis_ways(self) -> None:
        for way in self.redis_ways:
            way.heal()

    # The database

    async def stop_postgres(self, how: str = "fast") -> None:
        """`fast`, or `immediate`: the machine that loses power."""
        self.is_postgres_up = False
        await asyncio.to_thread(self.postgres.stop, how)

    async def start_postgres(self) -> None:
        await asyncio.to_thread(self.postgres.start)
        self.is_postgres_up = True

    @property
    def sqlite_file(self) -> Path:
        return self.server.data_folder / "entre.sqlite3"

    async def lock_sqlite(self, seconds: float) -> None:
        """Another process holds the write lock for so long."""
        await asyncio.to_thread(hold_lock, self.sqlite_file, seconds)

    # Hooks inside the service

    def set_hook(self, name: str, content: str = "") -> None:
        """Switch a hook of `rigging` on with this setting, or off with "". It is seen within a tenth of a second."""
        path = self.folder / name
        if content:
            beside = path.with_suffix(".new")
            beside.write_text(content, encoding="ascii")
            beside.replace(path)
        else:
            path.unlink(missing_ok=True)

    # All back

    async def heal(self) -> None:
        """Whatever was broken works again when this returns."""
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
            self.heal_redis_ways()
        self.front.heal()
        for index in self.processes:
            if not self.is_running(index):
                await self.start_server(index)

    def errors(self) -> Errors:
        """What the logs of all processes tell since they were first started."""
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
