"""The servers under test: each with its own data and, where it needs one, its own Redis; loopback only."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.rig.daphne_server import EntreServer, free_port
from tests.rig.environment import ROOT, clean_environment
from tests.rig.redis_server import RedisServer
from tests.rig.temporary import temporary_folder

TIMEOUT_S = 60.0
PEER_SETTINGS = "benchmarks.peers.tutorial.settings"

Clients = list[list[dict[str, str]]]


@dataclass
class Started:
    """A running server. `processes` are the roots of the process trees that are measured."""

    address: str
    processes: list[int]
    clients: Clients = field(repr=False)


class NoStatics:
    """No page is requested here, so no static files are collected."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Path:
        return self.folder


def start_entre(stack: ExitStack, pairs: int) -> Started:
    """Entre as `make run` starts it: one process, SQLite, no Redis. The limits are off, or they would
    reject the load."""
    folder = bench_folder(stack)
    statics: Any = NoStatics(folder)
    server = stack.enter_context(EntreServer(statics, LIMITS="off", HEADS_EVERY_MS=""))
    environment = {**server.environment, "DJANGO_SETTINGS_MODULE": "dm_project.settings"}
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.people", str(pairs)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    clients = [
        [{"room": pair["room"], "cookie": cookie} for cookie in pair["cookies"]]
        for pair in json.loads(made.stdout)
    ]
    process = server.processes[0]
    assert process is not None
    return Started(server.address, [process.pid], clients)


def start_tutorial(stack: ExitStack, pairs: int, *, saves: bool = False) -> Started:
    """The chat of the tutorial on Daphne with the core Redis layer; with `saves`, it first stores each
    message."""
    redis = stack.enter_context(RedisServer())
    environment = {
        **clean_environment(),
        "DJANGO_SETTINGS_MODULE": PEER_SETTINGS,
        "BENCH_SAVES": "1" if saves else "0",
        "BENCH_DATABASE": str(bench_folder(stack) / "tutorial.sqlite3"),
        "BENCH_REDIS": redis.url,
    }
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--noinput", "--verbosity", "0"],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    port = free_port()
    words = ["-b", "127.0.0.1", "-p", str(port), "-v", "0", "benchmarks.peers.tutorial.asgi:application"]
    process = subprocess.Popen(
        [sys.executable, "-m", "daphne", *words], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL
    )
    stack.callback(stop, process)
    address = f"http://127.0.0.1:{port}"
    wait_for(address, process)
    assert redis.process is not None
    clients = [[{"room": f"pair{number}", "cookie": ""} for _ in range(2)] for number in range(pairs)]
    return Started(address, [process.pid, redis.process.pid], clients)


def bench_folder(stack: ExitStack) -> Path:
    return stack.enter_context(temporary_folder("bench", within=os.environ.get("BENCH_FOLDER")))


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Any response will do: there is no page behind it."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(address, timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"a server of the benchmark did not start at {address}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
