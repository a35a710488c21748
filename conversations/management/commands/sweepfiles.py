"""`manage.py sweepfiles`: removes files that nothing refers to (docs/operate.md)."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from conversations.services import file_sweep


class Command(BaseCommand):
    help = "Removes uploads that were not sent in time, and files that no message has. The server may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--minutes",
            type=int,
            default=60,
            help="spare what is younger; 0 only without a running server",
        )

    def handle(self, *args: Any, minutes: int, **options: Any) -> None:
        now = timezone.now()
        before = now - timedelta(minutes=minutes)
        expired = file_sweep.uploads_expire(now)
        unreferenced = file_sweep.files_remove_unreferenced(before)
        unnamed = file_sweep.bytes_sweep(before)
        self.stdout.write(
            f"Removed {expired} uploads that were not sent, {unreferenced} files without a message, "
            f"and {unnamed} files without a row."
        )
