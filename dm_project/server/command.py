"""Daphne as we run it: `python -m dm_project.server [--host H] [--port P] [--fd N]`.

Listens first and says clearly when it cannot; bounds what a socket may send; ignores the one header with which a client could
move our links.
"""

import argparse
import errno
import gc
import importlib
import ipaddress
import os
import signal
import socket
import sys
from typing import Any

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl C while it loads ends it at once, without a traceback. When it serves, `front` gives it back.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from daphne.cli import CommandLineInterface

from dm_project import settings_module
from dm_project.env import host_listened_on, wrong
from dm_project.server.daphne import FrontServer

APPLICATION = "dm_project.server.command:application"
PING_SECONDS, PING_TIMEOUT_SECONDS = 25, 20
LONGEST_SOCKET_SECONDS = 4 * 60 * 60


class Launcher(CommandLineInterface):  # type: ignore[misc]
    """Daphne's command line, with our server behind it."""

    server_class = FrontServer


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The gate of asgi.py, with the root path that Daphne takes from a client's `Daphne-Root-Path` header put away.

    With it, anybody could prefix the links of pages and mails that others open (safety.md T59).
    """
    from dm_project.asgi import application as gate

    await gate({**scope, "root_path": ""} if scope.get("root_path") else scope, receive, send)  # type: ignore[arg-type]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        BadEnvironment: the port is taken, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, UnicodeError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise wrong(
                "PORT",
                f"port {port} is in use on {host}. Stop what uses it, or choose another one: make run PORT={port + 1}",
            ) from None
        reason = getattr(error, "strerror", None) or "this is no address"
        raise wrong(
            "HOST", f"HOST is {host!r}, port {port}, and nothing can listen there ({reason})."
        ) from None
    listener.listen(1024)
    return listener


def address_for_people(listener: socket.socket) -> str:
    """Where a browser finds it, which is not always where it listens: no browser goes to 0.0.0.0."""
    from django.conf import settings

    if settings.PUBLIC_ORIGIN:
        return f"{settings.PUBLIC_ORIGIN}/"
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "localhost"
    elif named := host_listened_on(settings.HOST):
        host = named[0]
    return f"http://{host}:{port}/"


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dm_project.server", description="Run the service on Daphne."
    )
    parser.add_argument("--host", default=None, help="127.0.0.1, or HOST from the environment")
    parser.add_argument("--port", type=int, default=None, help="8000, or PORT from the environment")
    parser.add_argument(
        "--fd",
        type=int,
        default=None,
        help="a listening socket that was inherited; several processes may share one",
    )
    return parser.parse_args(argv)


def spare_the_collector() -> None:
    """Load everything now and call it lasting: else Python walks through all of Django again and again while messages come and go.

    The thresholds are those of a program that makes and drops a thousand objects with every few messages.
    """
    importlib.import_module("dm_project.asgi")
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def look_back_at_restored() -> None:
    from django.db import connection

    from conversations.services.epoch import epoch_look_back

    epoch_look_back()
    connection.close()


def main(argv: list[str] | None = None) -> None:
    settings_module.choose()
    args = arguments(sys.argv[1:] if argv is None else argv)
    if args.port is not None:
        # Read with the settings: the names of cookies carry it.
        os.environ["PORT"] = str(args.port)
    from django.conf import settings

    from dm_project.db.postgres import serve_people
    from dm_project.server import preflight, startup_warnings

    # Files that are made from here on (the database's log, pictures) are for nobody else on this machine.
    os.umask(0o077)
    listener = None if args.fd is not None else listen(args.host or settings.HOST, args.port or settings.PORT)
    preflight.main()
    preflight.require_migrations()
    look_back_at_restored()
    serve_people()
    startup_warnings.tell()
    descriptor = args.fd
    if listener is not None:
        sys.stdout.write(f"{settings.SITE_NAME} is at {address_for_people(listener)}  (Ctrl C ends it)\n")
        sys.stdout.flush()
        # Daphne makes a socket of its own of it and closes this one.
        descriptor = listener.detach()
    limit = str(settings.DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE)
    options = [
        "--fd",
        str(descriptor),
        "--websocket-max-message-size",
        limit,
        "--websocket-max-frame-size",
        limit,
    ]
    options += [
        "--ping-interval",
        str(PING_SECONDS),
        "--ping-timeout",
        str(PING_TIMEOUT_SECONDS),
        "--websocket_timeout",
        str(LONGEST_SOCKET_SECONDS),
    ]
    options += ["--verbosity", "0", "--no-server-name", APPLICATION]
    spare_the_collector()
    # Behind a proxy the client's address is taken from its header (TRUSTED_PROXIES) by the application, never by Daphne, which believes the
    # left-most entry, the one a client can write itself.
    Launcher().run(options)
