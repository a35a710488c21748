"""What processes have used, read from /proc: user and system time of a tree of processes. Linux only."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of these processes, all their descendants that live, and the children they have waited for."""
    used, children = {}, defaultdict(list)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name of a program may hold spaces and brackets; what follows its last bracket has fixed places.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used[int(folder.name)] = sum(map(int, fields[11:15]))
        children[int(fields[1])].append(int(folder.name))
    tree, waiting = set(), list(roots)
    while waiting:
        process = waiting.pop()
        if process not in tree:
            tree.add(process)
            waiting += children[process]
    return sum(used.get(process, 0) for process in tree) / TICKS_A_SECOND
