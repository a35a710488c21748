"""`manage.py restored`: the operator's command after a backup was restored (docs/operate.md)."""

from typing import Any

from django.core.management.base import BaseCommand

from conversations.services.epoch import epoch_renew


class Command(BaseCommand):
    help = "After a restored backup: browsers drop what they kept of the lost time, except unsent messages."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(
            f"A new epoch begins: {epoch_renew()}. Running servers notify their browsers at once."
        )
