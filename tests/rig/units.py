"""Reads the systemd units of deploy/systemd: the command and the environment with which one starts."""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.rig.environment import ROOT

UNITS = ROOT / "deploy" / "systemd"
INSTALLED = "/srv/entre"


@dataclass(frozen=True)
class Unit:
    """The settings of [Service], by name; a name that comes twice has both values."""

    text: str

    def values(self, name: str) -> list[str]:
        return re.findall(rf"^{name}=(.*)$", self.text, re.MULTILINE)

    def value(self, name: str) -> str:
        (found,) = self.values(name)
        return str(found)

    @property
    def command(self) -> list[str]:
        """With the interpreter of this run instead of the installed one."""
        return [
            word.replace(f"{INSTALLED}/.venv/bin/python", sys.executable)
            for word in shlex.split(self.value("ExecStart"))
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What the unit adds to the almost empty environment that systemd gives."""
        pairs = (word.partition("=") for line in self.values("Environment") for word in shlex.split(line))
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"} | {
            name: value for name, _, value in pairs
        }


def unit(name: str) -> Unit:
    return Unit((UNITS / name).read_text(encoding="utf-8"))


def installed_in(folder: Path, name: str) -> Path:
    """The unit as if Entre were installed in this folder."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.symlink_to(sys.executable)
    path = folder / name
    path.write_text(unit(name).text.replace(INSTALLED, str(folder)), encoding="utf-8")
    return path
