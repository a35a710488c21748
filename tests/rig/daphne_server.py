"""The real service: our launcher in separate processes, with its own data and keys.

Tests use it over HTTP and sockets only.
"""

import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from types import TracebackType

import httpx

from tests.rig.environment import ROOT, clean_environment
from tests.rig.people import NO_TLS
from tests.rig.postgres import PostgresServer
from tests.rig.run_folder import once, run_folder
from tests.rig.temporary import make_folder, remove_folder, temporary_folder

TIMEOUT_S = 60.0
STOP_S = 20.0
SQLITE = "entre.sqlite3"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SharedStatics:
    """Static files, collected once for all servers of a test run: hashing and compressing takes seconds."""

    def __init__(self) -> None:
        shared = run_folder()
        self.own = None if shared else make_folder("static")
        self.folder = (shared or self.own or Path()) / "static"

    def collect(self) -> Path:
        environment = {**clean_environment(), "STATIC_ROOT": str(self.folder)}
        once(
            self.folder,
            lambda: manage("collectstatic", "--noinput", "--verbosity", "0", environment=environment),
        )
        return self.folder

    def remove(self) -> None:
        """Those of a test run are removed at its end."""
        if self.own:
            remove_folder(self.own)


def manage(*words: str, environment: dict[str, str]) -> str:
    """Run a management command. Returns its output; raises with its error output."""
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@cache
def empty_sqlite() -> bytes:
    """A migrated database, created once for a test run: migrating takes longer than starting a server."""
    with temporary_folder("empty") as own:
        folder = (run_folder() or own) / "empty"
        environment = {**clean_environment(), "DATA_DIR": str(folder)}
        once(folder, lambda: manage("migrate", "--noinput", "--verbosity", "0", environment=environment))
        return (folder / SQLITE).read_bytes()


migrated: dict[PostgresServer, str] = {}
"""The migrated template database of each cluster. It has no connections, so that it can be copied."""
copies: set[str] = set()


def migrated_database(postgres: PostgresServer) -> str:
    """The URL of a new copy of the migrated database."""
    if postgres not in migrated:
        migrated[postgres] = postgres.new_database().rsplit("/", 1)[1]
        postgres.load(migrated_dump(postgres), database=migrated[postgres])
    copies.add(url := postgres.new_database(like=migrated[postgres]))
    return url


def migrated_dump(postgres: PostgresServer) -> Path:
    """A dump of the migrated database, created once for a test run: several clusters are started in it."""
    folder = run_folder()
    assert folder, "only tests start several clusters"
    dump = folder / "migrated.sql"

    def migrate() -> None:
        url = postgres.new_database()
        environment = {**clean_environment(), "DATABASE_URL": url}
        manage("migrate", "--noinput", "--verbosity", "0", environment=environment)
        dump.write_text(postgres.dump(url.rsplit("/", 1)[1]), encoding="utf-8")

    once(dump, migrate)
    return dump


class EntreServer:
    """One or several processes of the service on one database. Use as a context manager.

    Args:
        statics: collected static files.
        processes: their number; each has its own port, so that a test can choose one.
        starts: false for tests of the start itself: the database exists, the processes do not run yet.
        values: environment values on top of a clean environment (DATABASE_URL, REDIS_URL, LIMITS, ...).
    """

    def __init__(
        self, statics: SharedStatics, processes: int = 1, *, starts: bool = True, **values: str
    ) -> None:
        self.starts = starts
        self.folder = make_folder("server")
        self.ports = [free_port() for _ in range(processes)]
        self.processes: list[subprocess.Popen[bytes] | None] = [None] * processes
        self.environment = {
            **clean_environment(),
            "DATA_DIR": str(self.folder / "data"),
            "STATIC_ROOT": str(statics.collect()),
            "HEADS_EVERY_MS": "1000",
            **values,
        }

    def __enter__(self) -> "EntreServer":
        try:
            if self.environment["DATABASE_URL"] in copies:
                pass
            elif self.environment["DATABASE_URL"]:
                self.manage("migrate", "--noinput", "--verbosity", "0")
            else:
                self.data_folder.mkdir()
                (self.data_folder / SQLITE).write_bytes(empty_sqlite())
            for index in range(len(self.ports) if self.starts else 0):
                self.start(index)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for index in range(len(self.ports)):
            self.stop(index)
        if error is not None:
            sys.stderr.write(self.logs())
        remove_folder(self.folder)

    @property
    def address(self) -> str:
        return self.address_of(0)

    def address_of(self, index: int) -> str:
        return f"http://127.0.0.1:{self.ports[index]}"

    @property
    def data_folder(self) -> Path:
        return self.folder / "data"

    def manage(self, *words: str) -> str:
        return manage(*words, environment=self.environment)

    def start(self, index: int = 0) -> None:
        """Returns when /healthz answers."""
        self.launch(index)
        self.wait_until_it_answers(index)

    def launch(self, index: int = 0) -> subprocess.Popen[bytes]:
        """Start the process without waiting, for tests of a start that must fail."""
        environment = {**self.environment, "PORT": str(self.ports[index])}
        command = [sys.executable, "-m", "dm_project.server"]
        with self.log_file(index).open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.processes[index] = process
        return process

    def wait_until_it_answers(self, index: int) -> None:
        process = self.processes[index]
        assert process is not None
        deadline = time.monotonic() + TIMEOUT_S
        with httpx.Client(base_url=self.address_of(index), timeout=5, verify=NO_TLS) as client:
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    answer = client.get("/healthz")
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if answer.status_code == httpx.codes.OK:
                    return
                break
        raise RuntimeError(f"the server did not start:\n{self.logs()}")

    def stop(self, index: int = 0, how: signal.Signals = signal.SIGTERM) -> int | None:
        """Returns its exit code; kills the process if it does not exit in time."""
        process = self.processes[index]
        if process is None:
            return None
        self.processes[index] = None
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(
                f"the server did not stop within {STOP_S} s of {how.name}:\n{self.logs()}"
            ) from None

    def log_file(self, index: int) -> Path:
        return self.folder / f"server-{index}.log"

    def log(self, index: int = 0) -> str:
        return self.log_file(index).read_text(errors="replace") if self.log_file(index).exists() else ""

    def logs(self) -> str:
        return "".join(
            f"--- server {index} ---\n{self.log(index)[-8000:]}\n" for index in range(len(self.ports))
        )
