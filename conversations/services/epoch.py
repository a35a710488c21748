"""Services for the epoch: renew it after a restored backup, by the operator's command or because the database
went back."""

from __future__ import annotations

from django.db import Error

from conversations.journal import begin_epoch, last_write, renew_epoch_if_restored


def epoch_renew() -> str:
    """By the operator's command after a restore. Returns the new epoch.

    Announces: every running process finds it within a second or two and notifies its sockets.
    """
    last_write.load()
    return begin_epoch()


def epoch_renew_if_restored() -> bool:
    """On startup: check that the database has the last write of the previous process. Returns whether an
    epoch began."""
    last_write.load()
    try:
        return renew_epoch_if_restored()
    except Error:
        # Not migrated yet; the preflight checks report it.
        return False
