"""The epoch changes when a backup is restored: by the operator's word, or because this installation remembers more than its database."""

from __future__ import annotations

from django.db import Error

from conversations.journal import begin_epoch, last_write, renew_epoch_if_restored


def epoch_renew() -> str:
    """A backup was restored. Returns the new epoch.

    Announces: every running process sees it within a second or two and tells its sockets.
    """
    last_write.load()
    return begin_epoch()


def epoch_renew_if_restored() -> bool:
    """At the start of a process: compare the database with the last write of the process before. Returns whether an epoch began."""
    last_write.load()
    try:
        return renew_epoch_if_restored()
    except Error:
        # Not migrated yet; the start itself says what is wrong.
        return False
