"""What a row gets: a running rig, a crowd that writes, its history, and a checker that judges after
healing."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from tools.faults.audit import Audit
from tools.faults.changes import Kind, Outcome
from tools.faults.checker import check
from tools.faults.crowd import Crowd, until
from tools.faults.figures import Figures
from tools.faults.history import COLUMNS, Findings, History, percentile
from tools.faults.rigs import Rig
from tools.faults.rows import FaultRow

PAIRS = 100
LIVE_S = 120.0
SHARE_OF_CAPACITY = 0.6
SHARE_OF_CHANGES = 0.4
CALIBRATE_S = 5.0


@dataclass(slots=True)
class Result:
    """The result of one row on one rig. `findings` are those that this row added."""

    row: str
    rig: str
    figures: Figures
    findings: Counter[str]
    examples: str
    acks: int
    seconds: float
    trouble: str = ""
    """Why the row could not run: fails although the columns are zero."""
    known: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        return not self.trouble and not any(self.findings.values())


class World:
    """Rows use `rig` for faults, `crowd` for clients, `history` for what these saw, `rng` for random
    choices."""

    def __init__(self, rig: Rig, crowd: Crowd, rng: random.Random, pace: float) -> None:
        self.rig, self.crowd, self.rng, self.pace = rig, crowd, rng, pace
        self.history: History = crowd.history
        self.audit = Audit(crowd, rig.address)
        self.seen: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.rest_s = 0.0

    # How long and how often, for rows

    def lasting(self, seconds: float, *, least: float = 1.0) -> float:
        """A duration of the row, shortened by the pace of this run; `least` is the shortest useful one."""
        return max(seconds * self.pace, min(seconds, least))

    def times(self, count: int, *, least: int = 1) -> int:
        return max(round(count * self.pace), min(count, least))

    # Load

    async def calm(self, seconds: float) -> None:
        """Load without faults."""
        self.crowd.is_writing = True
        await asyncio.sleep(seconds)

    @contextmanager
    def changing(self, figures: Figures, share: float = SHARE_OF_CHANGES) -> Iterator[None]:
        """During the block the devices also edit, delete and react: this share of what they write."""
        before = self.changed()
        self.crowd.share_of_changes = share
        try:
            yield
        finally:
            self.crowd.share_of_changes = 0.0
            for kind, count in self.changed().items():
                figures.add(f"{kind}s acknowledged", count - before[kind])

    def changed(self) -> Counter[Kind]:
        found = Counter(
            change.kind for change in self.history.changes.values() if change.outcome is Outcome.OK
        )
        return Counter({kind: found[kind] for kind in Kind})

    async def calibrate(self) -> float:
        """Measure the capacity for some seconds; the load is a share of it. Returns acks a second."""
        self.crowd.rate = 0
        await self.calm(CALIBRATE_S)
        began = time.monotonic() - CALIBRATE_S * 0.6
        capacity = len(self.history.acks.since(began)) / (CALIBRATE_S * 0.6)
        self.crowd.rate = max(20.0, capacity * SHARE_OF_CAPACITY)
        self.crowd.is_writing = False
        return capacity

    def refresh(self) -> None:
        """Reset the backoff of all devices."""
        for device in self.crowd.devices:
            device.attempt = min(device.attempt, 0 if device.is_live else 1)

    # Figures that many rows share

    async def back(
        self, figures: Figures, moment: float, *, goal: float, within: float = 60.0, name: str = "back p99"
    ) -> None:
        """Seconds from `moment` until 99 % of the devices were LIVE again, with everything they had
        missed."""
        await self.crowd.all_live(within)
        figures.add(name, percentile(self.crowd.back_after(moment), 0.99), "s", goal=goal)

    async def emptied(self, figures: Figures, moment: float, *, goal: float, within: float = 60.0) -> None:
        """Seconds from `moment` until no message written before it waits in an outbox."""

        def is_empty() -> bool:
            return not any(
                entry.is_send and self.history.sends[entry.id].at < moment
                for device in self.crowd.devices
                for entry in tuple(device.outbox)[:1]
            )

        found = await until(is_empty, within)
        figures.add("outbox empty", time.monotonic() - moment if found else float("inf"), "s", goal=goal)

    def speeds(
        self, figures: Figures, since: float, *, acks: float | None = None, deliveries: float | None = None
    ) -> None:
        """Ack and delivery times since a moment, with goals for the 99th percentile in milliseconds."""
        figures.percentiles("ack", self.history.acks.since(since), goal_p99=acks)
        figures.percentiles("delivery", self.history.deliveries.since(since), goal_p99=deliveries)

    def endings(self, figures: Figures, since: float) -> None:
        """How sockets ended since, by `bye` and close code."""
        for (bye, code), count in sorted(Counter(self.crowd.endings_since(since)).items(), key=str):
            figures.add(f"bye {bye or 'none'}, closed {code}:", count)

    # Judging

    async def judge(self, *, is_whole: bool = False) -> Findings:
        """Heal, wait until idle, read everything, compare. Returns all findings since the run began."""
        began = time.monotonic()
        await self.rig.heal()
        self.refresh()
        await self.crowd.all_live(LIVE_S)
        is_settled = await self.crowd.settle()
        self.rest_s = time.monotonic() - began if is_settled else float("inf")
        logs, others = await self.audit.read(is_whole=is_whole)
        findings = check(self.history, logs, others)
        errors = self.rig.errors()
        for logger, count in errors.unhandled.items():
            findings.add(
                "exceptions",
                f"{logger}: {next((text for text in errors.examples if text.startswith(logger)), '')}",
                count,
            )
        self.known = errors.known
        return findings

    async def run(self, row: FaultRow, *, is_whole: bool = False) -> Result:
        """Run one row under load, then judge. Each finding counts once, for the row that caused it."""
        began, acks = time.monotonic(), self.acknowledged
        figures, trouble = Figures(), ""
        self.crowd.is_writing = True
        try:
            figures = await row.run(self)
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"[:300]
            self.crowd.history.findings.examples["exceptions"] = []
        findings = await self.judge(is_whole=is_whole)
        figures.add("all at rest", self.rest_s, "s")
        new = Counter({column: max(0, findings.counts[column] - self.seen[column]) for column in COLUMNS})
        self.seen = findings.counts
        examples = str(findings) if any(new.values()) else ""
        gained = self.acknowledged - acks
        return Result(
            row.id,
            self.rig.name,
            figures,
            new,
            examples,
            gained,
            time.monotonic() - began,
            trouble,
            self.known,
        )

    @property
    def acknowledged(self) -> int:
        return self.history.count(Outcome.OK)


@asynccontextmanager
async def open_world(
    name: str, *, seed: int, pairs: int = PAIRS, rate: float = 0.0, pace: float = 1.0, **values: str
) -> AsyncIterator[World]:
    """A rig with its crowd, all of them LIVE.

    Args:
        name: "S" or "P".
        rate: messages a second in all; 0 measures the capacity of the rig and takes 60 % of it.
        pace: 1.0 runs rows as long and as often as they say, 0.1 a tenth.
        values: environment values for the service.
    """
    rng = random.Random(f"{seed} {name}")
    async with Rig(name, **values) as rig:
        conversations = await rig.people(pairs + 1)
        async with Crowd(History(), conversations, address=rig.address, rate=rate, rng=rng) as crowd:
            world = World(rig, crowd, rng, pace)
            if not await crowd.all_live(LIVE_S):
                sys.stderr.write(rig.server.logs())
                raise RuntimeError("not all devices could connect")
            if not rate:
                await world.calibrate()
            yield world
