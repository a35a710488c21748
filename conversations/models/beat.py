"""Beats: when each piece of recurring work is due next."""

from django.db import models


class Beat(models.Model):
    """One row for each beat of `conversations/jobs/beats.py`, made on first use.

    Of all processes, the one whose update moves `due_at` adds the job.
    """

    name = models.CharField(max_length=64, primary_key=True)
    due_at = models.DateTimeField()

    class Meta:
        db_table = "beat"

    def __str__(self) -> str:
        return self.name
