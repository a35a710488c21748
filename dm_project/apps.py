"""Registers the checks of the frame, and how SQLite reads text."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ProjectConfig(AppConfig):
    name = "dm_project"

    def ready(self) -> None:
        from dm_project import checks  # noqa: F401  (registers them)

        connection_created.connect(read_damaged_text)


def read_damaged_text(sender: Any, connection: Any, **kwargs: Any) -> None:
    """SQLite keeps any bytes as text, and Python's reader refuses a whole page because of one row that is no UTF-8 (safety.md F30)."""
    if connection.vendor == "sqlite":
        connection.connection.text_factory = lambda data: data.decode("utf-8", "replace")
