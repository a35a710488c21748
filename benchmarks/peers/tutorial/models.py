"""What the saving variant stores: a table as one would write it first."""

from django.db import models


class Message(models.Model):
    """One line of a room."""

    room = models.CharField(max_length=100, db_index=True)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.room} {self.pk}"
