"""Jobs of files: the bytes that no message has any more are removed."""

from __future__ import annotations

from collections.abc import Iterable

from django_tasks import task

from conversations.jobs.backend import enqueue_all


@task(queue_name="media")
def files_remove(stored_file_id: int) -> None:
    """Safe to run twice, and at any time: a file that a message or an upload still has stays."""
    # Late: the service adds this job.
    from conversations.services.attachments import file_remove

    file_remove(stored_file_id)


def files_remove_later(stored_file_ids: Iterable[int]) -> None:
    """Add the job for each, in one statement of the caller's transaction."""
    enqueue_all(files_remove, [(id,) for id in sorted(set(stored_file_ids))])
