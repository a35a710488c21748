"""Medians, spread and ratios of a run: printed, and written to results/."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = Path(__file__).parent / "results"
ROUNDS_TO_KEEP = 5
"""A shorter run is printed and not kept."""
NAMES = {
    "tutorial": "S0: tutorial chat, core Redis layer, nothing stored",
    "tutorial-saving": "S1: the same, each message saved (ORM, SQLite)",
    "entre": "Entre: stored before the ack",
    "entre-receipts": "Entre: the same, each message confirmed as read",
}
BARS = {"tutorial": 3.0, "tutorial-saving": 4.0}
"""How many times less CPU than these the product must use (saturated)."""


@dataclass
class Results:
    """All turns of all servers, in the order of the run."""

    began_at: str
    options: dict[str, Any]
    machine: dict[str, Any]
    commit: str
    turns: dict[str, list[dict[str, float]]]

    def middle(self, name: str, figure: str) -> float:
        return median(turn[figure] for turn in self.turns[name])

    def ratios(self) -> dict[str, float]:
        """`product/peer`: medians of CPU a message, divided."""
        own = [name for name in self.turns if name.startswith("entre")]
        peers = [name for name in self.turns if name.startswith("tutorial")]
        return {
            f"{one}/{peer}": round(self.middle(one, "cpu_ms") / self.middle(peer, "cpu_ms"), 3)
            for one in own
            for peer in peers
        }


def table(results: Results) -> list[str]:
    lines = [
        "| server | CPU ms a delivered message: median | lowest to highest | delivered a second"
        " | p50 ms | p99 ms | lost | twice | disorder |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, turns in results.turns.items():
        costs = [turn["cpu_ms"] for turn in turns]
        speed, p50, p99 = (results.middle(name, figure) for figure in ("per_second", "p50_ms", "p99_ms"))
        faults = [
            str(int(sum(turn[figure] for turn in turns))) for figure in ("lost", "repeated", "disordered")
        ]
        cells = [
            NAMES[name],
            f"**{median(costs):.3f}**",
            f"{min(costs):.3f} to {max(costs):.3f}",
            f"{speed:,.0f}",
            f"{p50:.1f}",
            f"{p99:.1f}",
        ]
        lines.append(f"| {' | '.join([*cells, *faults])} |")
    return lines


def verdicts(results: Results) -> list[str]:
    lines = []
    for pair, ratio in results.ratios().items():
        own, peer = pair.split("/")
        bar = "" if results.options["rate"] else f" (bar: at most 1/{BARS[peer]:.0f})"
        lines.append(f"- {NAMES[own]}, against {peer}: {ratio:.3f} = 1/{1 / ratio:.1f}{bar}")
    return lines


def show(results: Results) -> None:
    sys.stdout.write("\n" + "\n".join([*table(results), "", *verdicts(results)]) + "\n")


def keep(results: Results) -> None:
    """Write results/<date>-bench.json and .md; a second run of a day replaces the first."""
    load = "" if not results.options["rate"] else f"-{results.options['rate']:.0f}-a-second"
    stem = FOLDER / f"{results.began_at[:10]}-bench{load}"
    stem.with_suffix(".json").write_text(
        json.dumps({**asdict(results), "ratios": results.ratios()}, indent=1) + "\n", encoding="utf-8"
    )
    options, machine = results.options, results.machine
    rate = f"{options['rate']:.0f} messages a second" if options["rate"] else "as fast as they are answered"
    head = [
        f"# Bench of {results.began_at}",
        "",
        f"Commit {results.commit}; {machine['cores']} cores, Python {machine['python']},",
        f"{machine['system']}. {options['rounds']} turns of each server, interleaved, each",
        f"{options['seconds']:g} measured seconds; {options['people']} pairs, 100-byte bodies, {rate}.",
        "CPU is user and system time of the server's process tree, Redis included. Compare within this table",
        "only.",
        "",
    ]
    stem.with_suffix(".md").write_text(
        "\n".join([*head, *table(results), "", *verdicts(results)]) + "\n", encoding="utf-8"
    )
    sys.stdout.write(f"\nKept in {stem.with_suffix('.json').relative_to(FOLDER.parent.parent)} and .md\n")
