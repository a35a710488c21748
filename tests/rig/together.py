"""Run parts of the test suite at the same time: `python -m tests.rig.together make test-python test-js`.

Each of them leaves a processor idle while it starts, waits and ends. What the first target prints appears at
once; what the others print follows when they have ended.
"""

import subprocess
import sys
import tempfile


def wait_for(process: "subprocess.Popen[str]") -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl+C reached the target as well, which ends what it started.
            continue


def main(make: str, first: str, *others: str) -> int:
    """Returns 1 if any target failed."""
    command = [make, "--no-print-directory"]
    started = []
    for target in others:
        printed = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        process = subprocess.Popen([*command, target], stdout=printed, stderr=printed, text=True)
        started.append((process, printed))
    codes = [wait_for(subprocess.Popen([*command, first], text=True))]
    for process, printed in started:
        codes.append(wait_for(process))
        printed.seek(0)
        sys.stdout.write(printed.read())
        sys.stdout.flush()
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
