"""Every fault of docs/threats.md's table is either a row here or told to be missing, with the reason; rows can be chosen and told apart."""

from tools.faults.figures import Figure
from tools.faults.rows import NOT_HERE, known_rows, missing_rows

ALL = {f"F{number}" for number in range(1, 33)} | {"P9", "D1", "D2", "D3"}
"""The table, the promise that names a time, and what an outside test of delivery found."""


def test_every_fault_is_a_row_or_told_why_not() -> None:
    assert set(known_rows()) | set(missing_rows()) == ALL
    assert not set(known_rows()) & set(NOT_HERE)


def test_every_row_says_what_breaks_and_what_is_expected() -> None:
    for row in known_rows().values():
        assert row.fault
        assert row.expected
        assert set(row.rigs) <= set("SP")


def test_a_figure_beyond_its_goal_is_told_and_no_more() -> None:
    assert Figure("back", 11, "s", goal=10).is_beyond
    assert "beyond the goal" in str(Figure("back", 11, "s", goal=10))
    assert not Figure("repeats", 100, goal=100, at_least=True).is_beyond
    assert Figure("repeats", 99, goal=100, at_least=True).is_beyond
