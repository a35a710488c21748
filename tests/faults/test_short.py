"""The short form of the fault suite, on both rigs: edits, deletions and reactions from six screens of one
room, random faults, and zero in every column.

A failure names its seed; ENTRE_FAULTS_SEED=... breaks the same things again. The long form is `make faults`.
"""

import os
import random

import pytest

from tests.conftest import or_skip
from tests.rig import programs
from tools.faults.random_faults import random_faults
from tools.faults.rows import known_rows
from tools.faults.world import open_world

PAIRS, RATE = 6, 50.0
PACE = 0.02
RANDOM_S = 6.0


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "rig", ["S", "P"], ids=["one process on SQLite", "three processes on PostgreSQL and Redis"]
)
async def test_under_random_faults_nothing_is_lost_doubled_or_leaked(rig: str) -> None:
    seed = int(os.environ.get("ENTRE_FAULTS_SEED") or random.randrange(10**6))
    try:
        async with open_world(
            rig, seed=seed, pairs=PAIRS, rate=RATE, pace=PACE, HEADS_EVERY_MS="1000"
        ) as world:
            rows = known_rows()["F2"], known_rows()["F16"], random_faults(RANDOM_S)
            results = [await world.run(row) for row in rows]
            results.append(await world.run(random_faults(RANDOM_S / 2), is_whole=True))
            acks = world.acknowledged
    except programs.MissingProgram as reason:
        or_skip(reason)
    found = [
        f"{result.row}: {result.trouble} {result.examples} ({result.figures})"
        for result in results
        if not result.is_clean
    ]
    assert not found, f"with ENTRE_FAULTS_SEED={seed}: {found}"
    assert acks, "no message was acknowledged"
