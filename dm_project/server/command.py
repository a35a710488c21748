"""Command line of the server process: `python -m dm_project.server [--host H] [--port P] [--fd N]`.

Opens the listening socket first and reports clearly when it cannot; sets the WebSocket message limits;
ignores the one header with which a client could prefix our links.
"""

import argparse
import gc
import importlib
import ipaddress
import os
import socket
import sys
from typing import Any

from daphne.cli import CommandLineInterface

from dm_project import settings_module
from dm_project.env_urls import listening_hosts
from dm_project.server.daphne import GracefulServer
from dm_project.server.listener import open_listener

APPLICATION = "dm_project.server.command:application"
PING_SECONDS, PING_TIMEOUT_SECONDS = 25, 20
LONGEST_SOCKET_SECONDS = 4 * 60 * 60


class DaphneCommand(CommandLineInterface):  # type: ignore[misc]
    """Daphne's command line with our server class."""

    server_class = GracefulServer


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The application of asgi.py, without the root path that Daphne takes from a client's `Daphne-Root-Path`
    header.

    With it, a client could prefix the links in pages and emails that other users open (docs/threats.md T59).
    """
    from dm_project.asgi import application as inner

    if scope.get("root_path"):
        scope = {**scope, "root_path": ""}
    await inner(scope, receive, send)  # type: ignore[arg-type]


def browser_url(listener: socket.socket) -> str:
    """The URL for a browser, which may differ from the listening address: no browser opens 0.0.0.0."""
    from django.conf import settings

    if settings.PUBLIC_ORIGIN:
        return f"{settings.PUBLIC_ORIGIN}/"
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "localhost"
    elif named := listening_hosts(settings.HOST):
        host = named[0]
    return f"http://{host}:{port}/"


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dm_project.server", description="Run the service on Daphne."
    )
    parser.add_argument("--host", default=None, help="127.0.0.1, or HOST from the environment")
    parser.add_argument("--port", type=int, default=None, help="8000, or PORT from the environment")
    parser.add_argument(
        "--fd",
        type=int,
        default=None,
        help="an inherited listening socket; several processes may share one",
    )
    return parser.parse_args(argv)


def load_application() -> None:
    """Load also the views, which Django imports with the first request.

    That could be after an update of the files: old and new modules would then meet in one process.
    """
    from django.urls import get_resolver

    importlib.import_module("dm_project.asgi")
    _ = get_resolver().url_patterns


def freeze_loaded_objects() -> None:
    """Exclude everything that is loaded at start from garbage collection, which would scan all of Django
    again and again.

    The thresholds fit a process that creates and drops a thousand objects with every few messages.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)


def detect_restored_backup() -> None:
    from django.db import connection

    from conversations.services.epoch import epoch_renew_if_restored

    epoch_renew_if_restored()
    connection.close()


def start_jobs() -> None:
    """With JOBS=inside. Here and not at import: a management command, or a test, runs no jobs."""
    from django.conf import settings

    if settings.JOBS == "inside":
        from conversations.jobs.engine import engine

        engine.start()


def main(argv: list[str] | None = None) -> None:
    settings_module.choose()
    args = parse_arguments(sys.argv[1:] if argv is None else argv)
    if args.port is not None:
        # Before the settings are loaded: cookie names contain the port.
        os.environ["PORT"] = str(args.port)
    from django.conf import settings

    from dm_project.db.postgres import enable_timeouts
    from dm_project.server import preflight, startup_warnings

    # Files that are created from here on (the database's log, pictures) are private to this user.
    os.umask(0o077)
    listener = (
        None if args.fd is not None else open_listener(args.host or settings.HOST, args.port or settings.PORT)
    )
    preflight.main()
    preflight.require_migrations()
    detect_restored_backup()
    enable_timeouts()
    startup_warnings.log_warnings()
    descriptor = args.fd
    if listener is not None:
        sys.stdout.write(f"{settings.SITE_NAME} is at {browser_url(listener)}  (Ctrl C ends it)\n")
        sys.stdout.flush()
        # Daphne duplicates the descriptor and closes this one.
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
    load_application()
    freeze_loaded_objects()
    start_jobs()
    startup_warnings.start_picture_check()
    # Behind a proxy the application reads the client's address from the header (TRUSTED_PROXIES), never
    # Daphne: it trusts the left-most entry, which the client itself can write.
    DaphneCommand().run(options)
