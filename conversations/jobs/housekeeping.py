"""Housekeeping jobs: what has expired is deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.utils import timezone
from django_tasks import TaskResultStatus, task

from accounts.devices import devices_sweep
from accounts.services.handles import handles_sweep
from accounts.sessions import SWEEP_BATCH, sessions_sweep
from conversations.jobs import rows

KEEP_DONE, KEEP_FAILED = timedelta(hours=1), timedelta(days=30)


@task
def sessions_prune() -> None:
    """Expired sessions, and the devices that belonged to them."""
    in_batches(sessions_sweep, SWEEP_BATCH)
    in_batches(devices_sweep, SWEEP_BATCH)


@task
def handles_prune() -> None:
    """Former usernames that are no longer held for their owners."""
    handles_sweep()


@task
def jobs_prune() -> None:
    """Rows of jobs that ended a while ago. Failed ones stay longer, for the operator to look at."""
    now = timezone.now()
    for status, kept in ((TaskResultStatus.SUCCESSFUL, KEEP_DONE), (TaskResultStatus.FAILED, KEEP_FAILED)):
        in_batches(partial(rows.prune, status, before=now - kept), rows.PRUNE_BATCH)


def in_batches(sweep: Callable[[], int], size: int) -> None:
    """Many short transactions: a long one would hold up every message."""
    while sweep() >= size:
        pass
