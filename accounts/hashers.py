"""Password hashing with a bound: so many at once in this process, and no password of any length.

Each hash takes tens of MiB and tens of milliseconds of a core on purpose. Without a bound, sixty log-ins at one instant took gigabytes.
Every way to a hash comes through here: log-in, sign-up, reset, change, the dummy hash for unknown names, old hashes that are replaced.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.contrib.auth import hashers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

Result = TypeVar("Result")
PASSWORD_MAX = 1_024
"""Characters. Judged before anything reads the password: its hash, its normal form, its likeness to a name."""
AT_ONCE = max(1, min(4, (os.cpu_count() or 2) - 1))
"""One core less than there are, so that the sockets of everybody keep one."""
PATIENCE_SECONDS = 3.0
RETRY_AFTER_S = 5

_places = threading.BoundedSemaphore(AT_ONCE)
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
"""Always the same few: what a hash has used stays with its thread, and each request has another one."""


class HashingBusy(Exception):
    """Too many passwords are being hashed at this moment. Says nothing about this one."""


def run_bounded(password: str, work: Callable[[], Result]) -> Result:
    """Do this work on a password when there is a place for it.

    Raises:
        ValidationError: the password is too long to be one.
        HashingBusy: there was no place in time.
    """
    check_password_length(password)
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        raise HashingBusy
    try:
        return _threads.submit(work).result()
    finally:
        _places.release()


def check_password_length(password: str) -> None:
    """Raises ValidationError."""
    if len(password) > PASSWORD_MAX:
        raise ValidationError(
            _("Use a password of at most %(count)d characters.") % {"count": PASSWORD_MAX},
            code="password_too_long",
        )


class BoundedArgon2(hashers.Argon2PasswordHasher):
    """Argon2id with the smallest parameters that OWASP recommends: 19 MiB, two passes, one lane.

    Django's own (100 MiB, eight lanes) are meant for a log-in now and then. Hashes made with them are still verified, in one of the same
    places, and replaced at the next log-in.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        encode = super().encode
        return run_bounded(password, lambda: str(encode(password, salt)))

    def verify(self, password: str, encoded: str) -> bool:
        verify = super().verify
        return run_bounded(password, lambda: bool(verify(password, encoded)))


class BoundedPBKDF2(hashers.PBKDF2PasswordHasher):
    """For hashes that were brought along from elsewhere: no memory, but more time than the other."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        # Django verifies by encoding once more.
        encode = super().encode
        return run_bounded(password, lambda: str(encode(password, salt, iterations)))
