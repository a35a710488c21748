"""`python -m benchmarks`: measures the servers in turn, repeatedly, and compares their medians.

A single run says nothing on a shared machine, whose speed halves from one minute to the next; only
interleaved runs compare.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime

from benchmarks.load import Task
from benchmarks.report import ROUNDS_TO_KEEP, Results, keep, show
from benchmarks.servers import Started, start_entre, start_tutorial
from tests.rig.environment import ROOT

WARM_UP_S = 1.0

STARTERS: dict[str, Callable[[ExitStack, int], Started]] = {
    "tutorial": start_tutorial,
    "tutorial-saving": lambda stack, pairs: start_tutorial(stack, pairs, saves=True),
    "entre": start_entre,
    "entre-receipts": start_entre,
}
DIALECTS = {"tutorial-saving": "tutorial"}


def main() -> None:
    options = arguments()
    with ExitStack() as stack:
        servers = {name: STARTERS[name](stack, options.people) for name in options.servers}
        results = Results(
            began_at=datetime.now(UTC).isoformat(timespec="seconds"),
            options=vars(options),
            machine={
                "cores": os.cpu_count(),
                "system": platform.platform(),
                "python": platform.python_version(),
            },
            commit=commit(),
            turns={name: [] for name in options.servers},
        )
        for number in range(options.rounds):
            # In reverse every other time, so that a slowing machine affects all servers equally.
            for name in options.servers if number % 2 == 0 else options.servers[::-1]:
                task = Task("", DIALECTS.get(name, name), [], options.seconds, WARM_UP_S, options.rate, [])
                turn = run_turn(servers[name], task)
                results.turns[name].append(turn)
                sys.stdout.write(
                    f"{number + 1:2} {name:16} {turn['cpu_ms']:8.3f} ms CPU a message"
                    f"  {turn['per_second']:8.0f}/s"
                )
                sys.stdout.write(
                    f"  p50 {turn['p50_ms']:7.1f} ms  p99 {turn['p99_ms']:7.1f} ms  lost {turn['lost']}\n"
                )
                sys.stdout.flush()
    show(results)
    if options.rounds >= ROUNDS_TO_KEEP:
        keep(results)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="CPU time a delivered message, against plain Channels chats."
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=5,
        help=f"turns of each server; {ROUNDS_TO_KEEP} or more are kept in results/",
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="measured seconds of a turn")
    parser.add_argument("--people", type=int, default=50, help="pairs that write at once")
    parser.add_argument(
        "--rate",
        type=float,
        default=0.0,
        help="messages a second in all; 0: as fast as they are answered",
    )
    parser.add_argument(
        "--servers",
        type=lambda text: text.split(","),
        default=list(STARTERS),
        help="which, with commas between",
    )
    return parser.parse_args()


def run_turn(server: Started, task: Task) -> dict[str, float]:
    given = replace(task, address=server.address, clients=server.clients, processes=server.processes)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        input=json.dumps(asdict(given)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
