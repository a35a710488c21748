"""The folder in which jobs of tests note that they ran."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.jobs.backend import woken
from tests.jobs.sample_jobs import NOTES
from tests.jobs.workers import later


@pytest.fixture(autouse=True)
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that opens the gate for waiting jobs once it exists; opened at the end in any case."""
    monkeypatch.setenv(NOTES, str(tmp_path))
    yield tmp_path / "gate"
    (tmp_path / "gate").touch()
    woken.clear()


@pytest.fixture
def _still_clock() -> Iterator[None]:
    """A busy machine is no reason for a lease to end."""
    with later():
        yield
