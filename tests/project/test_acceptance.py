"""The page about the thirty checks tells the truth: each has its row, and every test that it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "acceptance.md"
CELLS = re.findall(r"^\|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
ROWS = [[cell.strip() for cell in line.split("|")] for line in CELLS if re.match(r" \d+ ", line)]


def test_all_thirty_are_there_and_each_is_held_or_waits_for_something() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 31))
    for number, what, held, waits in ROWS:
        assert held or waits, f"{number}: {what} is neither held nor said to wait"


@pytest.mark.parametrize(("number", "held"), [(number, held) for number, _, held, _ in ROWS])
def test_every_test_that_is_named_is_there(number: str, held: str) -> None:
    place = ""
    # Names follow the file they are in.
    for file, name, script in re.findall(
        r"\]\(\.\./(tests/[\w/.]+)\)|`(test_\w+)`|`(tests/js/[\w.-]+)`", held
    ):
        if file or script:
            place = (ROOT / (file or script)).read_text(encoding="utf-8")
        else:
            assert f"def {name}(" in place, f"check {number} names {name}"
