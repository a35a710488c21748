"""The faults of docs/threats.md, one function each, one module for each family. Importing a module
registers its rows.

@row("F4", rigs="P", fault="Redis killed", expected="≥ 99.9 % of the sockets stay; ack p99 ≤ 500 ms")
async def redis_killed(world: World) -> Figures: ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.faults.figures import Figures
    from tools.faults.world import World

Run = Callable[["World"], Awaitable["Figures"]]

MODULES = (
    "processes",
    "files",
    "channel_layer",
    "network",
    "database",
    "overload",
    "many_sockets",
    "revocation",
    "delivery",
)

NOT_RUNNABLE = {
    "F10": "needs a PostgreSQL replica to fail over to",
    "F27": "needs an earlier release with a migration in between; there is none yet",
    "F31": "there are no mail or push jobs yet that could be retried",
}
"""Faults of docs/threats.md that this suite cannot run, with the reason."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault. `rigs`: those it applies to. `expected`: the goals beyond the zero columns."""

    id: str
    rigs: str
    fault: str
    expected: str
    run: Run


ROWS: dict[str, FaultRow] = {}


def row(id: str, *, rigs: str, fault: str, expected: str) -> Callable[[Run], Run]:
    """Register a function as a row."""

    def register(run: Run) -> Run:
        if id in ROWS and ROWS[id].run.__module__ != run.__module__:
            raise ValueError(f"{id} is registered already")
        ROWS[id] = FaultRow(id, rigs, fault, expected, run)
        return run

    return register


def known_rows() -> dict[str, FaultRow]:
    """All rows, by code."""
    for module in MODULES:
        name = f"{__name__}.{module}"
        try:
            import_module(name)
        except ModuleNotFoundError as missing:
            if missing.name != name:
                raise
    return dict(sorted(ROWS.items(), key=lambda item: (item[0][0], int(item[0][1:]))))


def missing_rows() -> dict[str, str]:
    """Faults that cannot run here and why, by code."""
    known = known_rows()
    return {id: reason for id, reason in NOT_RUNNABLE.items() if id not in known}
