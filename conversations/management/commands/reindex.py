"""`manage.py reindex`: makes the search index again from the messages (docs/operate.md)."""

from typing import Any

from django.core.management.base import BaseCommand

from conversations.services.search_indexing import index_again


class Command(BaseCommand):
    help = "Makes the search index again. The server may run; until the end, searches find less."

    def handle(self, *args: Any, **options: Any) -> None:
        index_again(lambda done, total: self.stdout.write(f"{done:,} of {total:,} changes"))
        self.stdout.write("The search index is complete.")
