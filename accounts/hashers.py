"""Bounded password hashing: limits concurrent hashes in this process and the length of a password.

Each hash takes tens of MiB and tens of milliseconds of CPU on purpose. Without a bound, sixty concurrent
logins used gigabytes. All hashing goes through here: login, sign-up, reset, change, the dummy hash for
unknown usernames, and the replacement of old hashes.
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
"""Characters. Checked before normalization, similarity checks and hashing."""
MAX_CONCURRENT = max(1, min(4, (os.cpu_count() or 2) - 1))
"""One less than the number of cores, so that one core remains for the sockets."""
SLOT_TIMEOUT_SECONDS = 3.0
RETRY_AFTER_S = 5

_slots = threading.BoundedSemaphore(MAX_CONCURRENT)
_threads = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="passwords")
"""A fixed pool: malloc keeps the memory of a hash in the arena of its thread."""


class HashingBusy(Exception):
    """No hashing slot became free in time. Says nothing about the password."""


def run_bounded(password: str, work: Callable[[], Result]) -> Result:
    """Run `work` on the hashing pool when a slot is free.

    Raises:
        ValidationError: the password is too long.
        HashingBusy: no slot became free in time.
    """
    check_password_length(password)
    if not _slots.acquire(timeout=SLOT_TIMEOUT_SECONDS):
        raise HashingBusy
    try:
        return _threads.submit(work).result()
    finally:
        _slots.release()


def check_password_length(password: str) -> None:
    """Raises ValidationError."""
    if len(password) > PASSWORD_MAX:
        raise ValidationError(
            _("Use a password of at most %(count)d characters.") % {"count": PASSWORD_MAX},
            code="password_too_long",
        )


class BoundedArgon2(hashers.Argon2PasswordHasher):
    """Argon2id with the smallest parameters that OWASP recommends: 19 MiB, two passes, parallelism one.

    Django's defaults (100 MiB, parallelism eight) suit rare logins. Hashes made with them are still verified,
    in one of the same slots, and replaced at the next login.
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
    """For hashes imported from other systems: little memory, but more time than Argon2."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        # Django verifies by encoding again.
        encode = super().encode
        return run_bounded(password, lambda: str(encode(password, salt, iterations)))
