"""`python -m tests.rig.node ARGS`: runs Node, as found by tests.rig.programs, with these arguments."""

import os
import sys

from tests.rig import programs


def main() -> None:
    try:
        node = programs.node()
    except programs.MissingProgram as reason:
        sys.stderr.write(f"Skipped: {reason}\n")
        sys.exit(1 if programs.IN_CI else 0)
    os.execv(node, [node, *sys.argv[1:]])


if __name__ == "__main__":
    main()
