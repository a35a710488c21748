"""Beats: recurring work. A row for each says when it is due, and one conditional update decides which process
adds the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django_tasks.base import Task

from conversations.jobs import file_sweep, housekeeping, rows, search
from conversations.models import Beat as BeatRow


@dataclass(frozen=True, slots=True)
class Beat:
    """A job that is added again and again, unless the one before has not ended yet.

    Args:
        is_needed: asked by every process each time, before anything is written. It must be cheap.
    """

    job: Task[[], None]
    every: timedelta
    is_needed: Callable[[], bool] | None = None

    @property
    def name(self) -> str:
        return self.job.name


BEATS = (
    Beat(housekeeping.sessions_prune, timedelta(minutes=10)),
    Beat(housekeeping.handles_prune, timedelta(days=1)),
    Beat(housekeeping.jobs_prune, timedelta(minutes=10)),
    Beat(file_sweep.uploads_expire, timedelta(minutes=10), file_sweep.has_expired_uploads),
    Beat(file_sweep.files_sweep, timedelta(days=1)),
    Beat(search.search_index, timedelta(seconds=1), search.is_needed),
    Beat(search.search_drop_removed_words, timedelta(seconds=30), search.has_removed_words),
)


def is_due(beat: Beat, due_at: datetime | None, now: datetime) -> bool:
    """Also when it is too far ahead: the clock was wrong when that was written."""
    return due_at is None or not now < due_at <= now + beat.every + rows.CLOCKS_DIFFER


def fire(beat: Beat, now: datetime) -> datetime:
    """Add the job if the beat is due and no other process was first. Returns when to ask again."""
    following = now + beat.every
    due_at = BeatRow.objects.filter(name=beat.name).values_list("due_at", flat=True).first()
    if due_at is None:
        BeatRow.objects.bulk_create([BeatRow(name=beat.name, due_at=following)], ignore_conflicts=True)
        return following
    if not is_due(beat, due_at, now):
        return due_at
    if beat.is_needed is not None and not beat.is_needed():
        return following
    # Asked before the write, so that a short beat writes nothing while its job runs. A job that failed is
    # tried again later: a second one beside it would only fail as well.
    if rows.is_unfinished(beat.job):
        return following
    with transaction.atomic():
        if BeatRow.objects.filter(name=beat.name, due_at=due_at).update(due_at=following):
            beat.job.enqueue()
    return following
