"""App configuration: registers the system checks, and how SQLite decodes text."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ProjectConfig(AppConfig):
    name = "dm_project"

    def ready(self) -> None:
        from dm_project import checks  # noqa: F401  (registers them)

        connection_created.connect(decode_damaged_text)


def decode_damaged_text(sender: Any, connection: Any, **kwargs: Any) -> None:
    """SQLite stores any bytes as text, and by default one row that is not UTF-8 fails a whole page
    (docs/threats.md F30).
    """
    if connection.vendor == "sqlite":
        connection.connection.text_factory = lambda data: data.decode("utf-8", "replace")
