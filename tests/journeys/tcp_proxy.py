"""A TCP proxy between one browser and the server, which can break connections or drop their bytes silently.

A browser's own offline switch leaves open sockets alone. This proxy breaks them in the middle of a frame, as
a tunnel does, and drops bytes without a FIN or a reset, as a router does that has forgotten a connection.
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType

CHUNK_BYTES = 65_536
TO_SERVER, TO_BROWSER = "to the server", "to the browser"


class TcpProxy:
    """Use as a context manager; browse at `address`."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._open: set[socket.socket] = set()
        self._dropping: dict[socket.socket, frozenset[str]] = {}
        """For each open socket, the directions in which its bytes are dropped."""
        self._lock = threading.Lock()
        self._is_disconnected = False
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> "TcpProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.disconnect()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def disconnect(self) -> None:
        """Close every connection, and refuse new ones until `restore`."""
        with self._lock:
            self._is_disconnected = True
            ends, self._open = self._open, set()
        for end in ends:
            close(end)

    def drop_silently(self, *directions: str) -> None:
        """From now on, drop what the open connections carry in these directions, without FIN or reset.

        New connections work.
        """
        with self._lock:
            self._dropping = dict.fromkeys(self._open, frozenset(directions))

    def restore(self) -> None:
        with self._lock:
            self._is_disconnected = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target)
        except OSError:
            close(near)
            return
        with self._lock:
            if not self._is_disconnected:
                self._open |= {near, far}
                for source, sink, direction in ((near, far, TO_SERVER), (far, near, TO_BROWSER)):
                    threading.Thread(
                        target=self._forward, args=(source, sink, direction), daemon=True
                    ).start()
                return
        close(near)
        close(far)

    def _forward(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                if not self._drops(source, direction):
                    sink.sendall(chunk)
        # A FIN is dropped, too: the other side must find out by itself.
        if self._drops(source, direction):
            return
        close(source)
        close(sink)
        with self._lock:
            self._open -= {source, sink}

    def _drops(self, source: socket.socket, direction: str) -> bool:
        with self._lock:
            return direction in self._dropping.get(source, ())


def close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
