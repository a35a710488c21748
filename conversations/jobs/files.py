"""Jobs of files: the bytes that no message has any more are removed, and what was never sent.

The services are imported late: one of them adds these jobs.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone
from django_tasks import task

from conversations.jobs.backend import enqueue_all


@task(queue_name="media")
def files_remove(stored_file_id: int) -> None:
    """Safe to run twice, and at any time: a file that a message or an upload still has stays."""
    from conversations.services.file_removal import file_remove

    file_remove(stored_file_id)


@task(queue_name="media")
def uploads_expire() -> None:
    """Uploads that no message took within a day."""
    from conversations.services.file_sweep import uploads_expire

    uploads_expire(timezone.now())


def has_expired_uploads() -> bool:
    from conversations.services.file_sweep import has_expired_uploads

    return has_expired_uploads(timezone.now())


@task(queue_name="media")
def files_sweep() -> None:
    """What crashes have left: stored files that nothing refers to, and bytes that no row names."""
    from conversations.services import file_sweep

    before = timezone.now() - file_sweep.UNTOUCHED
    file_sweep.files_remove_unreferenced(before)
    file_sweep.bytes_sweep(before)


def files_remove_later(stored_file_ids: Iterable[int]) -> None:
    """Add the job for each, in one statement of the caller's transaction."""
    enqueue_all(files_remove, [(id,) for id in sorted(set(stored_file_ids))])
