"""`python -m benchmarks.stall`: how long one hostile client delays all others.

Against the service as `make run` starts it. The socket of a bystander pings and a second connection
requests /healthz repeatedly, while hostile clients of one kind after another attack. The longest delay is
the cost of that kind. Beside hostile pictures the bystander sends photos as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect

from benchmarks import hostile_pictures
from benchmarks.hostile import KINDS, Target
from benchmarks.meter import cpu_seconds
from tests.rig.daphne_server import EntreServer, SharedStatics
from tests.rig.environment import ROOT

RESULTS = Path(__file__).parent / "results"
WORKER_TIMEOUT_SECONDS = 60.0
"""A bystander is given up after this time, which is then its delay."""
PING_EVERY, HEALTH_EVERY, PHOTO_EVERY = 0.03, 0.03, 0.3
"""Below forty frames a second, or the bystander would exceed its own rate limit."""
SETTLE_SECONDS, AFTER_SECONDS = 1.0, 2.0


@dataclass
class Delays:
    """Delays of the bystander in milliseconds, and what the server used meanwhile."""

    ping_ms: list[float] = field(default_factory=list)
    health_ms: list[float] = field(default_factory=list)
    photo_ms: list[float] = field(default_factory=list)
    """From the beginning of a photo's upload until it is stored; repeated where the server is busy."""
    busy: int = 0
    """Answers that asked for such a repeat."""
    cpu_s: float = 0.0
    memory_mib: float = 0.0
    """Growth of the peak resident memory."""
    seconds: float = 0.0
    outcome: dict[str, int] = field(default_factory=dict)

    def figures(self) -> dict[str, object]:
        return {
            "ping_longest_ms": round(max(self.ping_ms, default=0.0), 1),
            "ping_median_ms": round(sorted(self.ping_ms)[len(self.ping_ms) // 2], 1) if self.ping_ms else 0.0,
            "health_longest_ms": round(max(self.health_ms, default=0.0), 1),
            **({"photo_longest_ms": round(max(self.photo_ms)), "busy": self.busy} if self.photo_ms else {}),
            "cpu_s": round(self.cpu_s, 2),
            "memory_mib": round(self.memory_mib),
            "seconds": round(self.seconds, 1),
            "outcome": self.outcome,
        }


class Server:
    """A server with the default limits: its CPU time and memory, and sessions for the clients."""

    def __init__(self, stack: ExitStack, statics: SharedStatics) -> None:
        server = stack.enter_context(EntreServer(statics, HEADS_EVERY_MS=""))
        environment = {**server.environment, "DJANGO_SETTINGS_MODULE": "dm_project.settings"}
        made = subprocess.run(
            [sys.executable, "-m", "benchmarks.people", "2"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        bystanders, hostile = json.loads(made.stdout)
        self.bystander = Target(server.address, bystanders["cookies"][0], bystanders["room"])
        self.hostile = Target(server.address, hostile["cookies"][0], hostile["room"])
        assert server.processes[0] is not None
        self.process = server.processes[0].pid

    def cpu_seconds(self) -> float:
        return cpu_seconds([self.process])

    def most_memory_mib(self) -> float:
        status = Path(f"/proc/{self.process}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def measure(server: Server, kind: str) -> Delays:
    delays = Delays()
    target = server.bystander
    headers = {"Cookie": target.cookie, "Origin": target.address}
    is_over = asyncio.Event()
    async with (
        connect(
            f"ws://{target.host}/ws/",
            additional_headers=headers,
            compression=None,
            proxy=None,
            ping_interval=None,
        ) as socket,
        httpx.AsyncClient(base_url=target.address, timeout=WORKER_TIMEOUT_SECONDS) as client,
    ):
        await socket.recv()

        async def ping() -> None:
            await socket.send('{"type":"ping"}')
            async with asyncio.timeout(WORKER_TIMEOUT_SECONDS):
                while json.loads(await socket.recv())["type"] != "pong":
                    pass

        async def health() -> None:
            (await client.get("/healthz")).raise_for_status()

        photo_data = hostile_pictures.photo()

        async def photo() -> None:
            id = str(uuid4())
            while True:
                answer = await client.post(
                    "/api/v1/attachments",
                    data={"kind": "picture", "id": id},
                    files={"file": ("a.jpg", photo_data)},
                    headers=target.headers(signed_in=True),
                )
                if answer.status_code != 503:
                    answer.raise_for_status()
                    return
                delays.busy += 1
                await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))

        await asyncio.sleep(SETTLE_SECONDS)
        cpu, memory, began = server.cpu_seconds(), server.most_memory_mib(), time.perf_counter()
        watchers = [
            asyncio.ensure_future(watch(ping, PING_EVERY, delays.ping_ms, is_over)),
            asyncio.ensure_future(watch(health, HEALTH_EVERY, delays.health_ms, is_over)),
        ]
        if kind.startswith("picture-"):
            watchers.append(asyncio.ensure_future(watch(photo, PHOTO_EVERY, delays.photo_ms, is_over)))
        attack = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.hostile",
            kind,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        output, _ = await attack.communicate(json.dumps(asdict(server.hostile)).encode())
        delays.seconds = time.perf_counter() - began
        # The server may still be working on what the attack has sent.
        await asyncio.sleep(AFTER_SECONDS)
        is_over.set()
        await asyncio.gather(*watchers)
        delays.cpu_s = server.cpu_seconds() - cpu
        delays.memory_mib = server.most_memory_mib() - memory
        delays.outcome = json.loads(output or b"{}")
    return delays


async def watch(
    once: Callable[[], Awaitable[None]], every: float, delays: list[float], is_over: asyncio.Event
) -> None:
    while not is_over.is_set():
        began = time.perf_counter()
        try:
            await once()
        except Exception:
            # Ended or unanswered: stop.
            delays.append(WORKER_TIMEOUT_SECONDS * 1000)
            return
        delays.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(every)


def main() -> None:
    options = arguments()
    results: dict[str, dict[str, object]] = {}
    before = json.loads(Path(options.before).read_text(encoding="utf-8"))["kinds"] if options.before else {}
    with ExitStack() as whole:
        statics = SharedStatics()
        whole.callback(statics.remove)
        for kind in options.only:
            # A new server for each kind: limits that one has used up must not protect from the next.
            with ExitStack() as stack:
                results[kind] = asyncio.run(measure(Server(stack, statics), kind)).figures()
            sys.stdout.write(f"{line_of(kind, results[kind], before.get(kind))}\n")
            sys.stdout.flush()
    if options.keep:
        keep(results, before, options.keep)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stall", description="How long one hostile client delays all others."
    )
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=list(KINDS), help=f"which, of {', '.join(KINDS)}"
    )
    parser.add_argument("--before", help="the .json of an earlier run, to compare with")
    parser.add_argument("--keep", help="write results/NAME.json and results/NAME.md")
    return parser.parse_args()


def line_of(kind: str, found: dict[str, object], before: dict[str, object] | None) -> str:
    photo = f" photo {found['photo_longest_ms']} ms, {found['busy']} x busy;" if "busy" in found else ""
    earlier = f" (before {before['ping_longest_ms']}, {before['health_longest_ms']})" if before else ""
    return (
        f"{kind:13} ping {found['ping_longest_ms']:>8} ms, /healthz {found['health_longest_ms']:>8} ms"
        f" at the longest{earlier};{photo} CPU {found['cpu_s']} s in {found['seconds']} s,"
        f" memory +{found['memory_mib']} MiB; {found['outcome']}"
    )


def keep(results: dict[str, dict[str, object]], before: dict[str, dict[str, object]], name: str) -> None:
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    run = {
        "began_at": began_at,
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "kinds": results,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    rows = [
        "| hostile | ping, longest | /healthz, longest | CPU | memory | answers |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for kind, found in results.items():
        cells = [KINDS[kind][0]]
        for value, unit in (
            ("ping_longest_ms", "ms"),
            ("health_longest_ms", "ms"),
            ("cpu_s", "s"),
            ("memory_mib", "MiB"),
        ):
            earlier = f"{before[kind][value]} → " if kind in before else ""
            cells.append(f"{earlier}{found[value]} {unit}")
        outcome = found["outcome"]
        assert isinstance(outcome, dict)
        cells.append(", ".join(f"{count} × {answer}" for answer, count in outcome.items()))
        rows.append(f"| {' | '.join(cells)} |")
    compared = ", before → after" if before else ""
    title = f"How long a bystander delays ({began_at[:10]}, {os.cpu_count()} cores{compared})"
    (RESULTS / f"{name}.md").write_text("\n".join([f"# {title}", "", *rows, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
