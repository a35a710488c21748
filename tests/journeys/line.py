"""A line between one browser and the service that can be cut, muted and mended: a plain TCP forwarder.

What a browser's own offline switch leaves out (open sockets, half-sent frames) breaks here as it does in a tunnel; and what neither side is
told of (a connection that a router has forgotten) is swallowed here as it is there.
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType

CHUNK = 65_536
TO_SERVER, TO_BROWSER = "to the server", "to the browser"


class Line:
    """Use as a context manager; browse at `address`."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._open: set[socket.socket] = set()
        self._forgotten: dict[socket.socket, frozenset[str]] = {}
        """Connections by the end that is near the browser, and the directions in which nothing of them arrives any more."""
        self._guard = threading.Lock()
        self._is_cut = False
        self._door = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> "Line":
        threading.Thread(target=self._welcome, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.close()
        self.cut()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def cut(self) -> None:
        """Every connection ends now, and no new one gets through."""
        with self._guard:
            self._is_cut = True
            ends, self._open = self._open, set()
        for end in ends:
            hang_up(end)

    def forget(self, *directions: str) -> None:
        """No FIN, no reset: what these connections carry in these directions is swallowed from now on. New ones get through."""
        with self._guard:
            self._forgotten = dict.fromkeys(self._open, frozenset(directions))

    def mend(self) -> None:
        with self._guard:
            self._is_cut = False

    def _welcome(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target)
        except OSError:
            hang_up(near)
            return
        with self._guard:
            if not self._is_cut:
                self._open |= {near, far}
                for source, sink, direction in ((near, far, TO_SERVER), (far, near, TO_BROWSER)):
                    threading.Thread(target=self._carry, args=(source, sink, direction), daemon=True).start()
                return
        hang_up(near)
        hang_up(far)

    def _carry(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK):
                if not self._swallows(source, direction):
                    sink.sendall(chunk)
        # A goodbye is swallowed like everything else: the other side must find out by itself.
        if self._swallows(source, direction):
            return
        hang_up(source)
        hang_up(sink)
        with self._guard:
            self._open -= {source, sink}

    def _swallows(self, end: socket.socket, direction: str) -> bool:
        with self._guard:
            return direction in self._forgotten.get(end, ())


def hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
