"""`make bench-page`: the figures of the interface budget, medians of five runs, beside the budget.

Times belong to this machine at this moment: on a busy one they say nothing. Bytes, elements, shifts and
anchor errors hold anywhere, and the bytes are also tests (tests/project/test_static_files.py). A part that
cannot be measured loses only its own rows: the run continues, names it, and exits with 1. A figure over its
budget is no error; it is only printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from playwright.sync_api import Error as BrowserError

from benchmarks.__main__ import commit
from benchmarks.page import measures
from benchmarks.page.measures import Figures
from benchmarks.page.service import Service, running_service
from tests.rig import page_budgets, programs

KEPT_IN = Path(__file__).parents[1] / "results" / "page.md"
RUNS_TO_KEEP = 5
SIGNED_OUT = {"landing": "/", "log-in": "/accounts/login/", "sign-up": "/accounts/signup/"}
SECTIONS = ("profile", "privacy", "appearance", "account", "devices")
SIGNED_IN = ("people", "invites", "settings", *(f"settings/{section}" for section in SECTIONS))
PARTS = ("bytes", "paint", "shift", "chat")


@dataclass(frozen=True)
class Row:
    """One row of the table: a figure, its budget, and all measured values."""

    what: str
    unit: str
    limit: float | None
    values: list[float]

    @property
    def middle(self) -> float:
        return median(self.values)

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        return "within" if self.middle <= self.limit else "**over**"

    def cells(self) -> list[str]:
        limit = "" if self.limit is None else f"{self.limit:g} {self.unit}"
        digits = 4 if "shift" in self.what else 2 if self.unit in {"kB", "MB", "px"} else 0
        numbers = [f"{value:.{digits}f}" for value in (self.middle, min(self.values), max(self.values))]
        return [
            self.what,
            limit,
            f"{numbers[0]} {self.unit}".strip(),
            f"{numbers[1]} to {numbers[2]}",
            self.verdict,
        ]


class Bench:
    """Measures and collects rows."""

    def __init__(self, service: Service, runs: int) -> None:
        self.service = service
        self.runs = runs
        self.rows: list[Row] = []
        self.missing: list[str] = []
        """Parts that could not be measured completely, and why."""
        self.load_before = os.getloadavg()[0]

    def measure(self, part: str) -> None:
        try:
            getattr(self, part)()
        except (BrowserError, AssertionError, OSError) as error:
            self.missing.append(f"{part}: {str(error).splitlines()[0]}")
            sys.stdout.write(f"Not measured completely: {self.missing[-1]}\n")

    def repeat(self, run: Callable[[], Figures]) -> dict[str, list[float]]:
        turns = [run() for _ in range(self.runs)]
        return {name: [turn[name] for turn in turns] for name in turns[0]}

    def add(self, what: str, unit: str, limit: float | None, values: list[float]) -> None:
        row = Row(what, unit, limit, values)
        self.rows.append(row)
        what, limit, middle, between, verdict = row.cells()
        sys.stdout.write(
            f"{what:<74} {middle:>12}   budget {limit or '-':>8}   {between:>18}   {verdict.strip('*')}\n"
        )
        sys.stdout.flush()

    def bytes(self) -> None:
        limits = {
            "HTML": page_budgets.HTML,
            "CSS": page_budgets.STYLES,
            "JS of a chat before": page_budgets.SCRIPT_AT_FIRST,
            "JS of a chat in": page_budgets.SCRIPT_OF_CHAT,
            "JS of": page_budgets.SCRIPT_OF_PAGE,
            "sprite": page_budgets.SPRITE,
            "fonts": 52,
        }
        for name, value in measures.weights(self.service).items():
            limit = next(limit for begin, limit in limits.items() if name.startswith(begin))
            self.add(f"{name}, gzip", "kB", limit, [value])

    def paint(self) -> None:
        pages = {
            "landing": ("/", False),
            "log-in": ("/accounts/login/", False),
            "invite": (self.service.invite, False),
        }
        pages["chat"] = (f"/chats/{self.service.long}/", True)
        for name, (path, is_signed_in) in pages.items():
            for is_slow in (True, False):
                found = self.repeat(
                    lambda path=path, mine=is_signed_in, slow=is_slow: measures.paint(
                        self.service, path, is_signed_in=mine, is_slow=slow
                    )
                )
                where = "1.6 Mbit/s, 150 ms, CPU 4x" if is_slow else "loopback"
                self.add(
                    f"{name}: first paint, cold, {where}",
                    "ms",
                    1_500 if is_slow else 500,
                    found["first paint"],
                )
                self.add(
                    f"{name}: largest paint, cold, {where}",
                    "ms",
                    2_000 if is_slow else 600,
                    found["largest paint"],
                )
                self.add(f"{name}: layout shift, {where}", "", 0.02, found["shift"])
                if is_slow:
                    self.add(f"{name}: blocking time, CPU 4x", "ms", 200, found["blocking"])
                    self.add(
                        f"{name}: requests until the first paint, modules aside", "", 4, found["requests"]
                    )

    def shift(self) -> None:
        signed_in = {name: f"/{name}/" for name in SIGNED_IN} | {
            "list": "/chats/",
            "chat": f"/chats/{self.service.long}/",
        }
        for name, path in (SIGNED_OUT | {"invite": self.service.invite} | signed_in).items():
            found = self.repeat(
                lambda name=name, path=path: measures.shift(
                    self.service, path, is_signed_in=name in signed_in
                )
            )
            self.add(f"{name}: layout shift on a desktop", "", 0.02, found["shift"])

    def chat(self) -> None:
        for slowness, echo, insert in ((1, 50, 20), (4, 100, 80)):
            found = self.repeat(lambda slowness=slowness: measures.echo(self.service, slowness))
            self.add(f"Enter to painted echo, p95, CPU {slowness}x", "ms", echo, found["p95"])
            if slowness == 1:
                self.add("long tasks while 30 messages are typed and sent", "", 0, found["long tasks"])
            found = self.repeat(lambda slowness=slowness: measures.scrolling(self.service, slowness))
            self.add(f"inserting an older page of 50, p50, CPU {slowness}x", "ms", insert, found["insert"])
            self.add(f"pages inserted meanwhile, CPU {slowness}x", "", None, found["pages"])
            self.add(f"anchor error, CPU {slowness}x", "px", 1, found["anchor error"])
            self.add(
                f"frames in which a message moved against the wheel, CPU {slowness}x", "", 0, found["against"]
            )
            if slowness == 1:
                self.add("long tasks while the wheel turns", "", 0, found["long tasks"])
        found = self.repeat(lambda: measures.switching(self.service))
        self.add("switching to a chat not seen before", "ms", 400, found["new"])
        self.add("switching to a chat seen before", "ms", 100, found["seen"])
        found = self.repeat(lambda: measures.upwards(self.service))
        self.add("pages up in a chat of 100,000 messages", "", None, found["pages"])
        self.add("heap above the start, there", "MB", 10, found["heap"])
        self.add("messages on the page, there", "", 240, found["messages"])
        self.add("elements on the page, there", "", 4_500, found["elements"])
        self.add("elements of a text message", "", 12, found["elements a message"])
        found = {name: [value] for name, value in measures.idle(self.service).items()}
        self.add("timers under 20 s that fired in 45 s of an idle chat", "", 0, found["timers"])
        self.add("animations running in an idle chat", "", 0, found["animations"])


def keep(bench: Bench) -> None:
    after = os.getloadavg()[0]
    load = f"load {bench.load_before:.1f} before and {after:.1f} after it (its own part is about 1)"
    head = [
        "# What a page costs",
        "",
        f"`make bench-page` of {datetime.now(UTC):%Y-%m-%d}, commit {commit()}, {os.cpu_count()} cores,",
        f"{load}. Headless Chromium; median of {bench.runs} {'runs' if bench.runs > 1 else 'run'}, then",
        "lowest to highest. Each visit with an empty cache. A time under a higher load says only that",
        "something else ran.",
        *(f"\nNot measured completely: {one}" for one in bench.missing),
        "",
        "| what | budget | median | lowest to highest | |",
        "| --- | --- | --- | --- | --- |",
    ]
    KEPT_IN.write_text(
        "\n".join([*head, *(f"| {' | '.join(row.cells())} |" for row in bench.rows)]) + "\n", encoding="utf-8"
    )
    sys.stdout.write(f"\nKept in {KEPT_IN.relative_to(KEPT_IN.parents[2])}\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS_TO_KEEP)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument(
        "--keep",
        action="store_true",
        help=f"write the results file after fewer than {RUNS_TO_KEEP} runs, too",
    )
    options = parser.parse_args()
    try:
        # Before a server is started.
        programs.chromium(is_whole=True)
    except programs.MissingProgram as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    with running_service() as service:
        bench = Bench(service, options.runs)
        for part in options.only or PARTS:
            bench.measure(part)
    if options.keep or (options.runs >= RUNS_TO_KEEP and not options.only):
        keep(bench)
    over = [row.what for row in bench.rows if "over" in row.verdict]
    sys.stdout.write(
        f"\n{len(over)} of {len(bench.rows)} figures over the budget"
        f"{': ' + '; '.join(over) if over else ''}\n"
    )
    return 1 if bench.missing else 0


if __name__ == "__main__":
    sys.exit(main())
