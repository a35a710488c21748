"""Which life of the database this is, and how it is noticed that it began again from a backup (protocol.md P11).

The last write that this installation knows of, a room and its head, is kept in memory and in a file beside the data. A database in which that
room stands lower has forgotten something, so it was restored: browsers must not go on with numbers of another history.
"""

from __future__ import annotations

import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from conversations.models import Conversation, Epoch

logger = logging.getLogger(__name__)
FILE = "last-write"
SAVE_SECONDS = 1.0


@dataclass(slots=True)
class LastWrite:
    """Of this process; the file is shared by all that use one DATA_DIR, and any of their last writes will do."""

    room: str = ""
    head: int = 0
    saved_at: float = 0.0
    is_saved: bool = True

    def note(self, room: str, head: int) -> None:
        """Call it only after the commit is certain."""
        self.room, self.head, self.is_saved = room, head, False

    def save_if_due(self, now: float) -> None:
        if now - self.saved_at >= SAVE_SECONDS:
            self.saved_at = now
            self.save()

    def save(self) -> None:
        """Not flushed to the disk: after a power cut an older line stands there, which is as true."""
        if self.is_saved:
            return
        path = file_path()
        try:
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            draft.write_text(f"{self.room} {self.head}\n")
            draft.replace(path)
            self.is_saved = True
        except OSError as error:
            logger.info("the last write could not be noted (%s)", error.strerror)

    def load(self) -> None:
        try:
            room, head = file_path().read_text().split()
            self.room, self.head = room, int(head)
        except (OSError, ValueError):
            self.room, self.head = "", 0

    def forget(self) -> None:
        self.room, self.head, self.is_saved = "", 0, True
        file_path().unlink(missing_ok=True)


last_write = LastWrite()


def file_path() -> Path:
    return Path(settings.DATA_DIR) / FILE


def begin_epoch() -> str:
    """Every browser drops what it kept, but not what it has not sent yet, and reads anew."""
    value = secrets.token_hex(8)
    Epoch.objects.update_or_create(id=1, defaults={"value": value})
    last_write.forget()
    return value


def look_back() -> bool:
    """Ask a database that we have just connected to whether it still knows our last write; begin an epoch if not. One statement.

    Raises: django.db.Error.
    """
    if not last_write.room:
        return False
    head = Conversation.objects.filter(room_name=last_write.room).values_list("head", flat=True).first()
    if head is not None and head >= last_write.head:
        return False
    logger.warning("the database knows less than was last written: a backup was restored. Browsers start afresh")
    begin_epoch()
    return True
