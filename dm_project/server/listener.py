"""The listening socket, or one sentence that says why there is none."""

import errno
import socket

from dm_project.env import invalid


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        BadEnvironment: the port is in use, or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, UnicodeError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise invalid(
                "PORT",
                f"port {port} is in use on {host}. Stop what uses it, or choose another one "
                f"(make run PORT={port + 1}).",
            ) from None
        reason = getattr(error, "strerror", None) or "not an address"
        raise invalid(
            "HOST", f"HOST is {host!r}, port {port}, and nothing can listen there ({reason})."
        ) from None
    listener.listen(1024)
    return listener
