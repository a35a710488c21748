"""The Makefile when Python was removed or upgraded, or the virtual environment is incomplete."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rig.environment import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
STAMPS = (".stamp-runtime", ".stamp-dev")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with a space in its path, the Makefile, and an environment whose stamps say that it is
    complete.
    """
    tree = tmp_path / "my chat"
    (tree / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tree)
    (tree / ".venv" / "pyvenv.cfg").write_text("home = /gone/bin\nversion = 3.12.1\n")
    for stamp in STAMPS:
        (tree / ".venv" / stamp).touch()
    return tree


def make(tree: Path, *words: str) -> str:
    done = subprocess.run(
        ["make", *words, f"PYTHON={sys.executable}"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stamps(tree: Path) -> list[str]:
    return [stamp for stamp in STAMPS if (tree / ".venv" / stamp).exists()]


def test_an_environment_without_its_python_is_created_again(tree: Path) -> None:
    python = tree / ".venv" / "bin" / "python"
    python.symlink_to("/gone/bin/python3.12")
    assert "created again" in make(tree, ".venv/bin/python")
    assert subprocess.run([python, "-c", "import pip"], check=False).returncode == 0
    assert stamps(tree) == [], "installed packages are gone, too"
    assert "created again" not in make(tree, ".venv/bin/python")


def test_an_environment_of_another_python_version_is_created_again(tree: Path) -> None:
    """/usr/bin/python3 after an upgrade: it runs, but its package directory does not exist."""
    python = tree / ".venv" / "bin" / "python"
    upgraded = Path(sys.executable).resolve()
    python.symlink_to(upgraded)
    (tree / ".venv" / "pyvenv.cfg").write_text(
        f"home = {upgraded.parent}\ninclude-system-site-packages = false\nversion = 3.2\n"
    )
    (tree / ".venv" / "lib" / "python3.2" / "site-packages").mkdir(parents=True)
    assert "created again" in make(tree, "--dry-run", ".venv/bin/python")
    assert stamps(tree) == []


def test_a_working_environment_is_left_alone(tree: Path) -> None:
    python = tree / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\necho runs\n")
    python.chmod(0o755)
    assert "created again" not in make(tree, "--dry-run", ".venv/bin/python")
    assert stamps(tree) == list(STAMPS)


def test_help_removes_nothing(tree: Path) -> None:
    make(tree, "help")
    assert stamps(tree) == list(STAMPS)


AMBIENT = (
    "DJANGO_SETTINGS_MODULE",
    "PYTHONPATH",
    "PYTHONHOME",
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
)


def test_variables_for_another_python_reach_no_program(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(tree / ".venv")
    for name in AMBIENT:
        monkeypatch.setenv(name, "/of/another/project")
    monkeypatch.setenv("SITE_NAME", "/of/this/project")
    output = make(tree, "--eval=show: ; @env", "show")
    assert [line for line in output.splitlines() if line.endswith("=/of/another/project")] == []
    assert "SITE_NAME=/of/this/project" in output


def test_variables_for_another_python_do_not_recreate_the_environment(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tree / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\n[ -z "$PYTHONHOME$PYTHONPATH" ] && echo runs\n')
    python.chmod(0o755)
    monkeypatch.setenv("PYTHONHOME", "/of/another/project")
    monkeypatch.setenv("PYTHONPATH", "/of/another/project")
    assert "created again" not in make(tree, "--dry-run", ".venv/bin/python")
    assert stamps(tree) == list(STAMPS)


def test_static_files_are_collected_once_into_a_directory_with_a_space(tree: Path) -> None:
    shutil.rmtree(tree / ".venv")
    for name in (
        "requirements.txt",
        "requirements-static.txt",
        "dm_project/staticfiles/storage.py",
        "static/a.css",
    ):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    assert (
        make(tree, "--dry-run", "statics", "STATIC_ROOT=my files").count('echo "Collecting static files"')
        == 1
    )


def test_targets_run_together_and_each_failure_is_reported(tmp_path: Path) -> None:
    program = tmp_path / "make"
    program.write_text(
        "#!/bin/sh\n"
        "# The first waits for the others: one after the other, they would never end.\n"
        f"cd '{tmp_path}'\n"
        "case $2 in first) while [ ! -e second ]; do :; done;; second) touch second; exec 2>&1;; esac\n"
        'echo "ran $2"; [ "$2" != "$FAILS" ]\n'
    )
    program.chmod(0o755)
    for fails in ("", "first", "second"):
        (tmp_path / "second").unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "tests.rig.together", program, "first", "second"],
            cwd=ROOT,
            env={**os.environ, "FAILS": fails},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert (done.returncode, done.stdout) == (int(bool(fails)), "ran first\nran second\n")


def test_targets_that_run_together_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    """As when a run is ended from outside: each of them then stops the servers that it has started."""
    program = tmp_path / "make"
    program.write_text(
        f"#!/bin/sh\necho $$ > '{tmp_path}'/$2.new\nmv '{tmp_path}'/$2.new '{tmp_path}'/$2\nexec sleep 600\n"
    )
    program.chmod(0o755)
    pids = [tmp_path / "first", tmp_path / "second"]
    command = [sys.executable, "-m", "tests.rig.together", program, "first", "second"]
    with subprocess.Popen(command, cwd=ROOT) as together:
        deadline = time.monotonic() + 100
        while not all(pid.exists() for pid in pids):
            assert time.monotonic() < deadline
        together.terminate()
        assert together.wait(100) == 1
    assert [Path("/proc", pid.read_text().strip()).exists() for pid in pids] == [False, False]
