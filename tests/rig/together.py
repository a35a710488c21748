"""Run parts of the test suite at the same time: `python -m tests.rig.together make test-python test-js`.

Each of them leaves a processor idle while it starts, waits and ends. What the first target prints appears at
once; what the others print follows when they have ended.
"""

import signal
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
    running: list[subprocess.Popen[str]] = []

    def pass_on(*_: object) -> None:
        """Unlike Ctrl+C, SIGTERM reaches only this process."""
        for process in running:
            process.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    outputs = []
    for target in others:
        outputs.append(printed := tempfile.TemporaryFile("w+", errors="replace"))  # noqa: SIM115
        running.append(subprocess.Popen([*command, target], stdout=printed, stderr=printed, text=True))
    running.append(subprocess.Popen([*command, first], text=True))
    codes = [wait_for(running[-1])]
    for process, printed in zip(running, outputs, strict=False):
        codes.append(wait_for(process))
        printed.seek(0)
        sys.stdout.write(printed.read())
        sys.stdout.flush()
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
