"""CPU time of process trees, read from /proc. Linux only."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of these processes, their living descendants, and the children they have waited
    for."""
    used, children = {}, defaultdict(list)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name of a program may contain spaces and brackets; the fields after its last bracket are
            # fixed.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used[int(folder.name)] = sum(map(int, fields[11:15]))
        children[int(fields[1])].append(int(folder.name))
    tree, pending = set(), list(roots)
    while pending:
        process = pending.pop()
        if process not in tree:
            tree.add(process)
            pending += children[process]
    return sum(used.get(process, 0) for process in tree) / TICKS_A_SECOND
