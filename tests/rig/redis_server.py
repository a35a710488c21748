"""A private Redis (or Valkey) on its own Unix socket, which a test may stop, kill and restart."""

import signal
import subprocess
import time
from types import TracebackType

import redis

from tests.rig import programs
from tests.rig.temporary import make_folder, remove_folder

TIMEOUT_S = 20.0


class RedisServer:
    """Use as a context manager. `url` survives restarts; data does not, as after a fail-over."""

    def __init__(self) -> None:
        self.program = programs.redis_server()
        self.folder = make_folder("redis")
        self.socket = self.folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        remove_folder(self.folder)

    def start(self) -> None:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "save": "",
            "appendonly": "no",
            "dir": str(self.folder),
            "daemonize": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        with self.client() as client:
            while time.monotonic() < deadline:
                if self.process and self.process.poll() is not None:
                    break
                try:
                    client.ping()
                except redis.exceptions.ConnectionError:
                    time.sleep(0.02)
                else:
                    return
        raise RuntimeError(
            f"Redis did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}"
        )

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), decode_responses=True)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM by default; SIGKILL simulates a power failure."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(TIMEOUT_S)
        self.socket.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Keeps connections open without replies, the worst failure."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
