"""Startup warnings: configuration that works but is probably not intended, one log line each.

Configuration that cannot work is rejected by `env` and `server.preflight`. Called by the server only.
"""

import fcntl
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from accounts.pictures import sandbox
from dm_project import env, env_file, env_urls
from dm_project.cookie_parsing import FIXED_PATCH, is_vulnerable
from dm_project.private_files import is_accessible_to_others

logger = logging.getLogger(__name__)

PICTURE_CHECK_AFTER_SECONDS = 20.0


def startup_warnings() -> Iterator[str]:
    yield from reachability_warnings()
    yield from permission_warnings()
    yield from process_warnings()
    for name in sorted(env.overridden_names):
        yield f"{name} of .env is not used: the environment of this process has another value."
    if is_vulnerable():
        line = sys.version_info[:2]
        own, fixed = ".".join(map(str, sys.version_info[:3])), ".".join(map(str, (*line, FIXED_PATCH[line])))
        yield (
            f"Python {own} lacks security fixes (CVE-2024-7592, CVE-2024-6923 and others). "
            f"Use {fixed} or newer."
        )


def reachability_warnings() -> Iterator[str]:
    """Who can reach this address, and what will not work for them."""
    if settings.PUBLIC_ORIGIN:
        return
    more = ", ".join(settings.MORE_HOSTS)
    if more:
        yield (
            f"ALLOWED_HOSTS names {more}, but PUBLIC_URL is not set: pages there cannot open sockets. "
            "Messages are sent over HTTP, and messages of others appear only after a reload. "
            "Set PUBLIC_URL to the address in the browser."
        )
    elif not env_urls.is_loopback(settings.HOST) and not env_urls.listening_hosts(settings.HOST):
        yield (
            f"HOST={settings.HOST} listens on every address of this machine, but only browsers on it "
            "get an answer. Set PUBLIC_URL to the address that others use."
        )
    if not env_urls.is_loopback(settings.HOST):
        yield (
            "Without a TLS proxy, and PUBLIC_URL=https://..., passwords and messages are sent unencrypted."
        )


def process_warnings() -> Iterator[str]:
    """Processes on one SQLite database know nothing of each other's sockets, presence and limits."""
    if connection.vendor != "sqlite":
        return
    # Held until this process ends: the descriptor is never closed.
    directory = os.open(settings.DATA_DIR, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield (
            "Another server process uses this SQLite database, and only one may. "
            "Stop it; several processes need DATABASE_URL and REDIS_URL."
        )
    except OSError as error:
        # A file system without locks.
        logger.debug("DATA_DIR cannot be locked (%s)", type(error).__name__)


def permission_warnings() -> Iterator[str]:
    """Which other users of this machine can read secrets."""
    if is_accessible_to_others(Path(settings.DATA_DIR)):
        yield (
            "every user of this machine can read DATA_DIR. "
            f"Remove their access: chmod 700 {settings.DATA_DIR}"
        )
    if is_accessible_to_others(env_file.FILE):
        yield f"every user of this machine can read the keys. Remove their access: chmod 600 {env_file.FILE}"


def start_picture_check() -> None:
    """Later, and in a thread: a process costs processor time, which after a restart belongs to all the
    clients that come back at once."""
    timer = threading.Timer(PICTURE_CHECK_AFTER_SECONDS, check_pictures)
    timer.name, timer.daemon = "picture-check", True
    timer.start()


def check_pictures() -> None:
    """Which protection from hostile pictures this system lacks (ADR 17)."""
    if sentence := sandbox.missing():
        logger.warning("%s", sentence)


def log_warnings() -> None:
    for sentence in startup_warnings():
        logger.warning("%s", sentence)
