"""Search rows: the words of each message for the search index, and how far each conversation is indexed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.conversation import Conversation
from conversations.search_index.fields import SearchText


class SearchRow(models.Model):
    """The words of one message, with the tokens of its conversation and its two people.

    `id` begins with the time of the message, so that the newest come first without sorting. On SQLite
    triggers copy each change into the FTS5 table; `search_index.tables` has both. Everything here can be
    made again from the messages: `manage.py reindex`.
    """

    id = models.BigIntegerField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    low_id = models.BigIntegerField()
    high_id = models.BigIntegerField()
    text = SearchText()

    class Meta:
        db_table = "search_row"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="search_row_one_per_message"),
        ]

    def __str__(self) -> str:
        return f"words of message {self.seq} of conversation {self.conversation_id}"


class SearchProgress(models.Model):
    """All changes of a conversation up to `version` are in the index. No row: nothing is."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    version = models.BigIntegerField()

    class Meta:
        db_table = "search_progress"

    def __str__(self) -> str:
        return f"conversation {self.conversation_id} is indexed up to {self.version}"
