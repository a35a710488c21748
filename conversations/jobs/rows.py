"""Rows of the jobs engine: which are due, claiming one under a lease, and writing down how it ended.

A claimed row is RUNNING until `run_after`, the end of its lease: then its process is taken for dead, and the
job runs again. That moment also tells one claim from the next, so a process that comes back late changes
nothing. Each function is one short transaction; no job runs inside of one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_tasks.base import Task, TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from conversations.jobs.backend import leases

logger = logging.getLogger(__name__)
ATTEMPTS = 5
BACKOFF_SECONDS = (1, 10, 60, 600)
"""The pause after each failed attempt but the last."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""At most, between two machines. A moment further ahead than this was written by a clock that was wrong."""
UNFINISHED = (TaskResultStatus.READY, TaskResultStatus.RUNNING)
PRUNE_BATCH = 500
DUE = """
SELECT queue_name FROM django_tasks_database_dbtaskresult
 WHERE status = 'READY' AND queue_name IN ({queues})
   AND (run_after <= %s OR run_after = %s OR (run_after > %s AND started_at IS NOT NULL))
 UNION ALL
SELECT queue_name FROM django_tasks_database_dbtaskresult
 WHERE status = 'RUNNING' AND queue_name IN ({queues}) AND (run_after <= %s OR run_after > %s)
 LIMIT 1
"""
"""`ready` or `expired` as one plain statement: an idle process asks it four times a second, and the ORM took
three times as long."""

Job = DBTaskResult[Any, Any]


class LeaseExpired(Exception):
    """The process that ran the job died, or took longer than the lease of its queue."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One attempt is over. Of the error only the class is kept: its text may quote a message."""

    job: Job
    error: BaseException | None = None


def ready(now: datetime) -> Q:
    """Also what waits for another attempt since before the clock was set back."""
    has_waited = Q(started_at__isnull=False, run_after__gt=longest_pause(now))
    return Q(status=TaskResultStatus.READY) & (
        Q(run_after__lte=now) | Q(run_after=get_date_max()) | has_waited
    )


def expired(now: datetime) -> Q:
    """Leases that ended, and those from before the clock was set back."""
    return Q(status=TaskResultStatus.RUNNING) & (Q(run_after__lte=now) | Q(run_after__gt=longest_lease(now)))


def longest_lease(now: datetime) -> datetime:
    """No lease that began by now ends later."""
    return now + timedelta(seconds=max(leases().values())) + CLOCKS_DIFFER


def longest_pause(now: datetime) -> datetime:
    """No attempt that failed by now is repeated later."""
    return now + timedelta(seconds=max(BACKOFF_SECONDS)) + CLOCKS_DIFFER


def due_queue(among: Collection[str]) -> str | None:
    """One of these queues that has a due job. Takes no lock, so it may be asked all the time."""
    queues, now = tuple(among), timezone.now()
    times = (now, get_date_max(), longest_pause(now), longest_lease(now))
    moments = [connection.ops.adapt_datetimefield_value(each) for each in times]
    places = ", ".join(["%s"] * len(queues))
    with connection.cursor() as cursor:
        cursor.execute(
            DUE.format(queues=places),
            [*queues, *moments[:3], *queues, moments[0], moments[3]],
        )
        found = cursor.fetchone()
    return found[0] if found else None


def is_unfinished(task: Task[Any, Any]) -> bool:
    return DBTaskResult.objects.filter(status__in=UNFINISHED, task_path=task.module_path).exists()


def exchange(queue: str, worker: str, ended: Ended | None, *, take: bool) -> Job | None:
    """Write down how the job before ended, and claim the next due job, in one transaction.

    Args:
        worker: a name of the process, kept with each attempt.
        take: false to claim no more.
    """
    if ended is None and not take:
        return None
    # On SQLite this begins with IMMEDIATE, so that no two processes read the same row as free.
    with transaction.atomic():
        if ended is not None:
            write_down(ended)
        return claim(queue, worker) if take else None


def claim(queue: str, worker: str) -> Job | None:
    now = timezone.now()
    rows = DBTaskResult.objects.select_for_update(skip_locked=True).filter(queue_name=queue)
    while (job := rows.filter(expired(now)).first()) is not None and len(job.worker_ids) >= ATTEMPTS:
        # It ends the process each time: not a sixth one.
        write_down(Ended(job, LeaseExpired()))
    job = job or rows.filter(ready(now)).first()
    if job is not None:
        job.status, job.started_at = TaskResultStatus.RUNNING, now
        job.run_after = now + timedelta(seconds=leases()[queue])
        job.worker_ids = [*job.worker_ids, worker]
        job.save(update_fields=["status", "started_at", "run_after", "worker_ids"])
    return job


def write_down(ended: Ended) -> None:
    """Done, to be tried again after a pause, or failed for good."""
    now = timezone.now()
    attempts = len(ended.job.worker_ids)
    if ended.error is None:
        values: dict[str, Any] = {"status": TaskResultStatus.SUCCESSFUL, "finished_at": now}
    elif attempts < ATTEMPTS:
        pause = timedelta(seconds=BACKOFF_SECONDS[attempts - 1])
        values = {"status": TaskResultStatus.READY, "run_after": now + pause}
    else:
        values = {"status": TaskResultStatus.FAILED, "finished_at": now}
    kind = type(ended.error)
    path = f"{kind.__module__}.{kind.__qualname__}" if ended.error is not None else ""
    is_held = held(ended.job).update(**values, exception_class_path=path, traceback="", return_value=None)
    if not is_held:
        logger.warning("job %s ended after its lease, so it runs twice", ended.job.task_path)


def held(job: Job) -> Any:
    """The row, while this claim still holds it."""
    return DBTaskResult.objects.filter(pk=job.pk, status=TaskResultStatus.RUNNING, run_after=job.run_after)


def release(job: Job) -> None:
    """Give a claimed job back, uncounted: the process ends before the job does."""
    held(job).update(status=TaskResultStatus.READY, run_after=timezone.now(), worker_ids=job.worker_ids[:-1])


def prune(status: str, *, before: datetime) -> int:
    """Delete a batch of rows that ended with this status. Returns how many."""
    rows = DBTaskResult.objects.order_by().filter(status=status, finished_at__lt=before)
    old = list(rows.values_list("pk", flat=True)[:PRUNE_BATCH])
    if old:
        DBTaskResult.objects.filter(pk__in=old).delete()
    return len(old)
