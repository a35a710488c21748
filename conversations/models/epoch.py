"""The epoch: changes when a backup is restored, and makes browsers drop what they kept (P11)."""

from django.db import models


class Epoch(models.Model):
    """One row, created after the first migration."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    value = models.CharField(max_length=32)

    class Meta:
        db_table = "epoch"

    def __str__(self) -> str:
        return self.value
