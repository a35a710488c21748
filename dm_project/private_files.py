"""Whose eyes see what is stored: files and folders of the service are for its own user alone. Called by settings and at the start."""

import stat
from contextlib import suppress
from pathlib import Path

FOLDER, FILE = 0o700, 0o600


def is_for_others(path: Path) -> bool:
    """May anybody on this machine read it, or write there? A group may: somebody chose that, as no umask does by itself."""
    try:
        return bool(path.stat().st_mode & stat.S_IRWXO)
    except OSError:
        return False


def keep_private(folder: Path, *parts: Path) -> None:
    """Take the folder, and these files and folders, from everybody's eyes where they are ours to change. What stays open is told at start.

    The folder itself is changed only when one of the parts is in it already, or nothing at all: any other (a home, /tmp) is not ours alone.
    """
    present = [part for part in parts if part.exists()]
    is_ours = any(part.parent == folder for part in present) or not any(folder.iterdir())
    is_shared = bool(folder.stat().st_mode & stat.S_ISVTX)
    for path in [folder, *present] if is_ours and not is_shared else present:
        if is_for_others(path):
            with suppress(OSError):
                path.chmod(FOLDER if path.is_dir() else FILE)
