"""The column of the words of a message."""

from __future__ import annotations

from typing import Any

from django.db import models


class SearchText(models.Field):  # type: ignore[type-arg]
    """Tokens with spaces between them: text on SQLite, a tsvector on PostgreSQL. Written and read by
    `search_index.rows` only."""

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"
