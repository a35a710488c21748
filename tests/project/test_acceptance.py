"""docs/acceptance.md has a row for each of the thirty checks, and every test that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "acceptance.md"
CELLS = re.findall(r"^\|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
ROWS = [[cell.strip() for cell in line.split("|")] for line in CELLS if re.match(r" \d+ ", line)]


def test_each_of_the_thirty_checks_has_a_test_or_a_reason_to_wait() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 31))
    for number, what, held, waits in ROWS:
        assert held or waits, f"{number}: {what} has neither a test nor a reason to wait"


@pytest.mark.parametrize(("number", "held"), [(number, held) for number, _, held, _ in ROWS])
def test_every_named_test_exists(number: str, held: str) -> None:
    place = ""
    # Names follow the file that contains them.
    for file, name, script in re.findall(
        r"\]\(\.\./(tests/[\w/.]+)\)|`(test_\w+)`|`(tests/js/[\w.-]+)`", held
    ):
        if file or script:
            place = (ROOT / (file or script)).read_text(encoding="utf-8")
        else:
            assert f"def {name}(" in place, f"check {number} names {name}"
