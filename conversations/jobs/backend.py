"""Task backend (TASKS): adds jobs as rows of django-tasks-db, with ids as their only arguments."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django_tasks import task_backends
from django_tasks.base import Task
from django_tasks_db import DatabaseBackend
from django_tasks_db.models import DBTaskResult, get_date_max

UUID_TEXT = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
LEASES = "leases"
"""Option of the backend: seconds for each queue after which a job that has not ended runs again."""

woken = threading.Event()
"""A job was committed by this process: its engine need not wait for the next poll."""


class JobsBackend(DatabaseBackend):
    """The row is written by the caller's transaction: a rollback takes the job back, too."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Add a job.

        Raises: ValueError: an argument is no id.
        """
        added: Any = super().enqueue(task, *as_ids(args, kwargs))
        wake_after_commit()
        return added

    async def aenqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Refused: a coroutine has no transaction that the job could belong to."""
        raise NotImplementedError("jobs are added by services, inside their transaction")


def enqueue_all(task: Task[Any, None], arguments: Iterable[Sequence[int | UUID]]) -> None:
    """Add one job for each item, in one statement.

    Raises: ValueError: an argument is no id.
    """
    rows: list[DBTaskResult[Any, Any]] = [
        DBTaskResult(
            args_kwargs=dict(zip(("args", "kwargs"), as_ids(each, {}), strict=True)),
            priority=task.priority,
            task_path=task.module_path,
            queue_name=task.queue_name,
            run_after=task.run_after or get_date_max(),
            backend_name=task.backend,
        )
        for each in arguments
    ]
    if rows:
        DBTaskResult.objects.bulk_create(rows)
        wake_after_commit()


def leases() -> dict[str, int]:
    """Seconds of the lease, by queue."""
    found: dict[str, int] = task_backends["default"].options[LEASES]
    return found


def wake_after_commit() -> None:
    transaction.on_commit(woken.set, robust=True)


def as_ids(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[int | str], dict[str, int | str]]:
    """Rows of jobs go into backups and outlive what they are about: a message body or a token in one of them
    would be kept after it was deleted (docs/threats.md T63)."""
    return [as_id(value) for value in args], {name: as_id(value) for name, value in kwargs.items()}


def as_id(value: Any) -> int | str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, int) or (isinstance(value, str) and UUID_TEXT.fullmatch(value)):
        return value
    raise ValueError("the arguments of a job are integers and UUIDs: load the rest when it runs")
