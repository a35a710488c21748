"""`manage.py restored`: what an operator says after a backup was put back (docs/operate.md)."""

from typing import Any

from django.core.management.base import BaseCommand

from conversations.services.epoch import epoch_renew


class Command(BaseCommand):
    help = "Say that a backup was restored: every browser drops what it kept of the lost time, except what it has not sent yet."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(
            f"A new epoch begins: {epoch_renew()}. Running servers tell their browsers at once."
        )
