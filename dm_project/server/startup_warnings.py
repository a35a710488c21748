"""What an operator should know at the start although the service can run: each a sentence in the log. What it cannot run with is refused
by `env` and `stores`. Called by the server only.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from dm_project import env, env_file
from dm_project.cookie_parsing import FIXED_PATCH, is_slow
from dm_project.private_files import is_for_others

logger = logging.getLogger(__name__)


def notices() -> Iterator[str]:
    yield from about_reach()
    yield from about_eyes()
    for name in sorted(env.overridden):
        yield f"{name} of .env is not used: the environment of this process has another value."
    if is_slow():
        line = sys.version_info[:2]
        own, fixed = ".".join(map(str, sys.version_info[:3])), ".".join(map(str, (*line, FIXED_PATCH[line])))
        yield f"Python {own} lacks security fixes (CVE-2024-7592, CVE-2024-6923 and others). Use {fixed} or newer."


def about_reach() -> Iterator[str]:
    """Who can come to this address, and what will work for them."""
    if settings.PUBLIC_ORIGIN:
        return
    more = ", ".join(settings.MORE_HOSTS)
    if more:
        yield (
            f"ALLOWED_HOSTS names {more}, but PUBLIC_URL is not set: pages there may open no sockets. Messages are sent over HTTP, and what "
            "others write is shown only after a reload. Set PUBLIC_URL to the address in people's browsers."
        )
    elif not env.is_loopback(settings.HOST) and not env.host_listened_on(settings.HOST):
        yield (
            f"HOST={settings.HOST} listens on every address of this machine, but only browsers on this machine are answered. "
            "Set PUBLIC_URL to the address that others use."
        )
    if not env.is_loopback(settings.HOST):
        yield "Without a proxy that speaks TLS, and its PUBLIC_URL=https://..., passwords and messages travel in the clear."


def about_eyes() -> Iterator[str]:
    """Who else on this machine can read what is secret."""
    if is_for_others(Path(settings.DATA_DIR)):
        yield f"every user of this machine can look into DATA_DIR. Take it from them: chmod 700 {settings.DATA_DIR}"
    if is_for_others(env_file.FILE):
        yield f"every user of this machine can read the keys. Take them away: chmod 600 {env_file.FILE}"


def tell() -> None:
    for sentence in notices():
        logger.warning("%s", sentence)
