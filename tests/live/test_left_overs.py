"""What a killed test run leaves: the next run removes it, and nothing of a run beside it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conftest import or_skip
from tests.rig import programs
from tests.rig.environment import ROOT
from tests.rig.temporary import OWNER, make_folder, remove_folder, remove_stale

TIMEOUT_S = 60.0
HOLD = (
    "import sys; from tests.rig.temporary import make_folder; make_folder('x', within=sys.argv[1]); input()"
)
SAY = "import os, sys; print(os.environ['TEST_DATABASE_URL'], flush=True); sys.stdin.read()"


def until(is_so: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def holder(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE)


def next_run(folder: Path) -> None:
    """A process looks once; this one stands for another."""
    remove_stale.__wrapped__(folder)


def test_the_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    (tmp_path / "entre-by-hand").mkdir()
    with holder(tmp_path) as killed, holder(tmp_path) as living:
        until(lambda: len(list(tmp_path.glob(f"entre-x-*/{OWNER}"))) == 2, "both have a folder")
        next_run(tmp_path)
        assert len(list(tmp_path.glob("entre-x-*"))) == 2
        killed.kill()
        killed.wait()
        next_run(tmp_path)
        assert len(list(tmp_path.glob("entre-x-*"))) == 1
        living.kill()
    assert (tmp_path / "entre-by-hand").is_dir(), "not locked: none of ours"


def test_an_own_folder_stays_until_it_is_removed(tmp_path: Path) -> None:
    folder = make_folder("mine", within=str(tmp_path))
    next_run(tmp_path)
    assert folder.is_dir()
    remove_folder(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
def test_no_postgres_outlives_the_run_that_started_it(how: signal.Signals) -> None:
    try:
        programs.postgres()
    except programs.MissingProgram as reason:
        or_skip(reason)
    command = [sys.executable, "-m", "tests.rig.postgres", sys.executable, "-c", SAY]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as run:
        assert run.stdout is not None
        url = run.stdout.readline().decode()
        cluster = Path(unquote(url.removeprefix("postgres://postgres@").rpartition("/")[0]))
        process = Path("/proc", (cluster / "postmaster.pid").read_text().split()[0])
        assert process.exists()
        run.send_signal(how)
        run.wait(TIMEOUT_S)
    if how is signal.SIGKILL:
        next_run(cluster.parents[1])
    until(lambda: not process.exists(), "the cluster has ended")
    assert not cluster.parent.exists()
