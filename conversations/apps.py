"""App configuration: signal receivers, and the one row that every database needs."""

import secrets
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate  # noqa: TID251 (a signal of `migrate`, not of a model)


class ConversationsConfig(AppConfig):
    name = "conversations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from conversations import signals  # noqa: F401  (connects its receivers)
        from conversations.db.errors import remember_file
        from conversations.jobs import metrics  # noqa: F401  (registers its collector)
        from conversations.journal.message_rows import text_removals
        from conversations.search_index import rows

        post_migrate.connect(begin_epoch, sender=self)
        connection_created.connect(remember_file)
        if rows.remove not in text_removals:
            text_removals.append(rows.remove)


def begin_epoch(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """A database without an epoch gets its first one: after the first `migrate`, and after a flush."""
    Epoch = sender.get_model("Epoch")
    Epoch._default_manager.using(using).get_or_create(id=1, defaults={"value": secrets.token_hex(8)})
