"""Job that removes the bytes of a file which no message and no upload has any more."""

from __future__ import annotations

from collections.abc import Iterable

from django_tasks import task

from conversations.jobs.backend import enqueue_all
from conversations.services.file_removal import file_remove


@task(queue_name="media")
def files_remove(stored_file_id: int) -> None:
    """Safe to run twice, and at any time: a file that a message or an upload still has stays."""
    file_remove(stored_file_id)


def files_remove_later(stored_file_ids: Iterable[int]) -> None:
    """Add the job for each, in one statement of the caller's transaction."""
    enqueue_all(files_remove, [(id,) for id in sorted(set(stored_file_ids))])
