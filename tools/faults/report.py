"""The report in Markdown: command, machine, one table for each rig, and what cannot run here."""

from __future__ import annotations

import os
import platform
import sqlite3
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from tools.faults.history import COLUMNS
from tools.faults.rows import ROWS, missing_rows
from tools.faults.world import Result

RIGS = {
    "S": "one process, SQLite, local layer",
    "P": "three processes behind a proxy, PostgreSQL, Redis pub/sub",
}
UNNUMBERED = {
    "random": ("random faults, overlapping", "the zero columns"),
    "calm": ("nothing; then both users read everything", "the zero columns"),
}
PACKAGES = ("django", "channels", "daphne", "channels-redis", "psycopg")


@dataclass(slots=True)
class Run:
    """The options of a run, and its results on each rig."""

    command: str
    seed: int
    pace: float
    pairs: int
    results: list[Result] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)
    """Messages a second of the load, by rig."""

    @property
    def is_clean(self) -> bool:
        return all(result.is_clean for result in self.results)


def machine() -> str:
    """Its hardware and versions, not its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} on {platform.machine()}, "
        f"Python {platform.python_version()}, {packages}, SQLite {sqlite3.sqlite_version}"
    )


def render(run: Run) -> str:
    lines = [
        "# Faults: what was broken, and what was lost",
        "",
        "Made by the command below. Each row broke the named part while users wrote to each other,"
        f" {run.pairs} pairs of them. Afterwards everything was healed, every device read everything, and a"
        " checker compared it with what each client had recorded."
        " How to read it: [fault-suite.md](fault-suite.md).",
        "",
        f"- Command: `{run.command}`",
        f"- Machine: {machine()}",
        f"- Seed: {run.seed}. Pace: {run.pace:g} (1: each row as long and as often as it says; 0.1: a tenth)",
    ]
    for rig in dict.fromkeys(result.rig for result in run.results):
        lines += ["", *table(run, rig)]
    lines += ["", "## What cannot run here", ""]
    lines += [f"- {id}: {reason}." for id, reason in missing_rows().items()]
    return "\n".join(lines) + "\n"


def table(run: Run, rig: str) -> list[str]:
    results = [result for result in run.results if result.rig == rig]
    total = sum(result.acks for result in results)
    sums = [sum(result.findings[column] for result in results) for column in COLUMNS]
    head = [
        f"## Rig {rig}: {RIGS[rig]}",
        "",
        f"**{total:,} acknowledged messages**, {run.rates.get(rig, 0):.0f} a second while nothing is broken.",
        "",
        f"| row | fault | expected | measured | acks | {' | '.join(COLUMNS)} |",
        f"| --- | --- | --- | --- | ---: | {' | '.join('---:' for _ in COLUMNS)} |",
    ]
    body = [row_of(result) for result in results]
    return [
        *head,
        *body,
        f"| **all** | | | | **{total:,}** | {' | '.join(f'**{count}**' for count in sums)} |",
        *troubles(results),
    ]


def row_of(result: Result) -> str:
    known = ROWS.get(result.row)
    fault, expected = (known.fault, known.expected) if known else UNNUMBERED[result.row]
    counts = " | ".join(str(result.findings[column]) for column in COLUMNS)
    measured = str(result.figures) or "nothing"
    if result.trouble:
        measured = f"**could not be run: {result.trouble}** {measured}"
    return f"| {result.row} | {fault} | {expected} | {measured} | {result.acks:,} | {counts} |"


def troubles(results: list[Result]) -> list[str]:
    found = [f"- {result.row}: {result.examples}" for result in results if result.examples]
    return ["", "Found:", "", *found] if found else []


def write(run: Run, path: Path) -> None:
    path.write_text(render(run), encoding="utf-8")
