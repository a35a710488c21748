"""Each fault of docs/threats.md is a row of the suite, or is listed as missing with the reason."""

import re
from pathlib import Path

import pytest

from tests.rig.environment import ROOT
from tools.faults.figures import Figure
from tools.faults.rows import NOT_RUNNABLE, known_rows, missing_rows

ALL = {f"F{number}" for number in (*range(1, 33), 34)} | {"P9", "D1", "D2", "D3"}
"""The table, the promise that names a time (P9), and three findings of a test of delivery from outside."""


def test_each_fault_is_a_row_or_missing_with_a_reason() -> None:
    assert set(known_rows()) | set(missing_rows()) == ALL
    assert not set(known_rows()) & set(NOT_RUNNABLE)


def test_each_row_names_its_fault_and_what_is_expected() -> None:
    for row in known_rows().values():
        assert row.fault
        assert row.expected
        assert set(row.rigs) <= set("SP")


@pytest.mark.parametrize("report", sorted((ROOT / "docs").glob("faults-*.md")), ids=lambda path: path.name)
def test_a_committed_report_names_faults_and_goals_as_the_code_does(report: Path) -> None:
    """A reader finds the row of a report by its words."""
    found = re.findall(
        r"^\| ([A-Z]\d+) \| ([^|]*) \| ([^|]*) \|", report.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found
    rows = known_rows()
    assert [(id, rows[id].fault, rows[id].expected) for id, _, _ in found] == found


def test_a_figure_beyond_its_goal_is_marked_and_fails_nothing() -> None:
    assert Figure("back", 11, "s", goal=10).is_beyond
    assert "beyond the goal" in str(Figure("back", 11, "s", goal=10))
    assert not Figure("repeats", 100, goal=100, at_least=True).is_beyond
    assert Figure("repeats", 99, goal=100, at_least=True).is_beyond
