"""File permissions: only the service's own user may read what it stores.

Called by settings and at the start.
"""

import stat
from contextlib import suppress
from pathlib import Path

DIRECTORY, FILE = 0o700, 0o600


def is_accessible_to_others(path: Path) -> bool:
    """Whether every user of this machine can read or write it.

    A group may: no umask grants that without a decision.
    """
    try:
        return bool(path.stat().st_mode & stat.S_IRWXO)
    except OSError:
        return False


def keep_private(directory: Path, *parts: Path) -> None:
    """Remove other users' access to the directory, and to these parts of it, where they are ours to change.

    What stays accessible is reported at the start. The directory itself is changed only if it is empty or
    contains one of the parts: any other (a home directory, /tmp) is not ours alone.
    """
    present = [part for part in parts if part.exists()]
    is_ours = any(part.parent == directory for part in present) or not any(directory.iterdir())
    is_shared = bool(directory.stat().st_mode & stat.S_ISVTX)
    for path in [directory, *present] if is_ours and not is_shared else present:
        if is_accessible_to_others(path):
            with suppress(OSError):
                path.chmod(DIRECTORY if path.is_dir() else FILE)
