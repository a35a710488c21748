"""The systemd units: valid, alike in what protects the machine, and patient enough for a clean end."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dm_project import worker
from tests.rig.environment import ROOT
from tests.rig.units import INSTALLED, UNITS, installed_in, unit

NAMES = sorted(path.name for path in UNITS.iterdir())
SERVER, WORKER = "entre@.service", "entre-worker.service"
OWN = {"Description", "Environment", "ExecStart", "LimitNOFILE"}
"""What the units may differ in."""
MARGIN_S = 5


def settings_of(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit(name).text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def test_there_is_a_unit_for_the_server_and_one_for_the_worker() -> None:
    assert sorted([SERVER, WORKER]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_systemd_understands_every_line(name: str, tmp_path: Path) -> None:
    """An unknown key is ignored by systemd, so that a typing error would switch a protection off."""
    for line in unit(name).text.splitlines():
        assert not line or re.match(r"#|\[(Unit|Service|Install)\]$|[A-Z]\w+=", line), line
    if (program := shutil.which("systemd-analyze")) is None:
        return
    path = installed_in(tmp_path, name)
    said = subprocess.run([program, "verify", path], capture_output=True, text=True, check=False).stderr
    assert [line for line in said.splitlines() if name in line] == []


def test_the_worker_is_confined_as_the_server_is() -> None:
    server, own = settings_of(SERVER), settings_of(WORKER)
    assert {key: value for key, value in own.items() if key not in OWN} == {
        key: value for key, value in server.items() if key not in OWN
    }


@pytest.mark.parametrize(("name", "module"), [(SERVER, "dm_project.server"), (WORKER, "dm_project.worker")])
def test_a_unit_starts_the_installed_module_as_another_user_than_root(name: str, module: str) -> None:
    found = unit(name)
    assert found.value("ExecStart") == f"{INSTALLED}/.venv/bin/python -m {module}"
    assert found.value("WorkingDirectory") == INSTALLED
    assert found.value("User") not in {"", "root"}
    assert "PYTHONUNBUFFERED=1" in found.value("Environment")


@pytest.mark.parametrize("name", NAMES)
def test_systemd_waits_longer_than_a_clean_end_takes(name: str) -> None:
    seconds = worker.FINISH_SECONDS + worker.JOURNAL_SECONDS
    assert float(unit(name).value("TimeoutStopSec")) >= seconds + MARGIN_S
    assert unit(name).value("KillSignal") == "SIGTERM"


def test_the_page_for_operators_names_both_units() -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    assert "deploy/systemd" in page
    assert WORKER in page
