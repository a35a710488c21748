"""Beats of files: uploads that were never sent, and what crashes have left."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from conversations.services import file_sweep


@task(queue_name="media")
def uploads_expire() -> None:
    """Uploads that no message took within a day."""
    file_sweep.uploads_expire(timezone.now())


def has_expired_uploads() -> bool:
    return file_sweep.has_expired_uploads(timezone.now())


@task(queue_name="media")
def files_sweep() -> None:
    """Stored files that nothing refers to, and bytes that no row names."""
    before = timezone.now() - file_sweep.UNTOUCHED
    file_sweep.files_remove_unreferenced(before)
    file_sweep.bytes_sweep(before)
