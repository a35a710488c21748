"""Which history of the database this is, and how it is noticed that the database went back (protocol.md P11).

A restored backup, or a replica that took over and lagged behind, lacks messages that were acknowledged. Others soon take their numbers, so
numbers alone tell nothing: each process remembers some of its last writes as (room, seq, id) and asks whether that row is still that
message: on every new connection, and once a second. If it is not, a new epoch begins, and browsers drop what they kept.

Every memory carries the epoch it was made in. Of several processes that notice, one begins the epoch (the update names the old value), and
the others see another epoch than that of their memory and drop the memory. The last write is also kept in a file, for the next start.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from conversations.db import errors as db_errors
from conversations.models import Conversation, Epoch, Message

logger = logging.getLogger(__name__)
FILE = "last-write"
SAVE_SECONDS = 1.0
FORMER_EPOCHS = 20


@dataclass(frozen=True, slots=True)
class Write:
    """One acknowledged message. Without an id (a file of an earlier release) only numbers can be compared."""

    room: str
    seq: int
    id: UUID | None = None


@dataclass(slots=True)
class LastWrite:
    """What this process remembers: the write it last found in the database, the first one after that, and the newest.

    The database loses its end, so the newest is what is missing first. The other two are for a database that changed beneath a connection
    which stayed (a pooler in between), where the newest may already be a write of the new history.
    """

    found: Write | None = None
    first: Write | None = None
    newest: Write | None = None
    epoch: str = ""
    former: list[str] = field(default_factory=list)
    """Epochs before that one. A database that says one of them again was restored from before it ended."""
    saved_at: float = 0.0
    is_saved: bool = True

    def note(self, room: str, seq: int, id: UUID) -> None:
        """Call it only after the commit is certain."""
        write = Write(room, seq, id)
        if self.first is None:
            self.first = write
        self.newest, self.is_saved = write, False

    def writes(self) -> list[Write]:
        return list(
            dict.fromkeys(write for write in (self.found, self.first, self.newest) if write is not None)
        )

    def confirm(self, writes: Sequence[Write]) -> None:
        """These were asked for and are there."""
        self.found = writes[-1]
        if self.first in writes:
            self.first = None

    def adopt(self, epoch: str) -> None:
        """Another epoch has begun: what is remembered was of the one before."""
        if epoch and self.epoch and self.epoch != epoch:
            self.former = [*self.former, self.epoch][-FORMER_EPOCHS:]
            self.found = self.first = self.newest = None
            self.is_saved = False
        self.epoch = epoch or self.epoch

    def save_if_due(self, now: float) -> None:
        if now - self.saved_at >= SAVE_SECONDS:
            self.saved_at = now
            self.save()

    def save(self) -> None:
        """Not flushed to the disk: after a power cut an older line stands there, which is as true."""
        if self.is_saved:
            return
        path = file_path()
        newest = self.newest
        words = [newest.room, str(newest.seq), str(newest.id or "-")] if newest else ["-", "0", "-"]
        try:
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            draft.write_text(" ".join([*words, self.epoch or "-", *self.former]) + "\n")
            draft.replace(path)
            self.is_saved = True
        except OSError as error:
            logger.info("the last write could not be noted (%s)", error.strerror)

    def load(self) -> None:
        self.found = self.first = self.newest = None
        self.epoch, self.former = "", []
        try:
            # An earlier release wrote the first two words only.
            room, seq, id, epoch, *former = [*file_path().read_text().split(), "-", "-"]
            write = Write(room, int(seq), None if id == "-" else UUID(id))
        except (OSError, ValueError):
            return
        if write.seq > 0:
            self.newest = write
        self.epoch, self.former = "" if epoch == "-" else epoch, [name for name in former if name != "-"]

    def forget(self) -> None:
        self.found = self.first = self.newest = None
        self.epoch, self.former, self.is_saved = "", [], True
        file_path().unlink(missing_ok=True)


last_write = LastWrite()
looking = threading.Lock()
"""Two threads that compare at one moment could take the epoch that one of them begins for a former one."""


def file_path() -> Path:
    return Path(settings.DATA_DIR) / FILE


def begin_epoch() -> str:
    """By the operator's word. Every browser drops what it kept, but not what it has not sent yet, and reads anew."""
    before = epoch_value()
    value = secrets.token_hex(8)
    Epoch.objects.update_or_create(id=1, defaults={"value": value})
    # So that the value of the backup is known as a former one.
    last_write.adopt(before)
    last_write.adopt(value)
    last_write.newest = last_write.found = last_write.first = None
    last_write.is_saved = False
    last_write.save()
    return value


def look_back() -> bool:
    """Ask the database whether it still knows what was last written; begin an epoch if not. Two statements by key. Returns whether it did.

    Raises: django.db.Error.
    """
    return look_at_epoch()[1]


def current_epoch() -> str:
    """The epoch of the database, after it was asked whether it went back."""
    return look_at_epoch()[0]


def look_at_epoch() -> tuple[str, bool]:
    if not looking.acquire(blocking=False):
        # Another thread of this process is asking just now.
        return epoch_value(), False
    try:
        return look_alone()
    finally:
        looking.release()


def epoch_value() -> str:
    """Empty before the first migration has ended."""
    return Epoch.objects.filter(id=1).values_list("value", flat=True).first() or ""


def look_alone() -> tuple[str, bool]:
    value = epoch_value()
    if not value:
        return "", False
    went_back = value in last_write.former
    if not went_back:
        last_write.adopt(value)
        writes = last_write.writes()
        if not writes or are_stored(writes):
            if writes:
                last_write.confirm(writes)
            return value, False
    return begin_instead_of(value)


def are_stored(writes: Sequence[Write]) -> bool:
    wanted = Q()
    for write in writes:
        wanted |= Q(conversation__room_name=write.room, seq=write.seq)
    rows = Message.objects.filter(wanted).values_list("conversation__room_name", "seq", "client_id")
    found = {(room, seq): id for room, seq, id in rows}
    return all(
        found.get((write.room, write.seq)) == write.id if write.id else is_reached(write) for write in writes
    )


def is_reached(write: Write) -> bool:
    """By numbers: the head may number a later change."""
    head = Conversation.objects.filter(room_name=write.room).values_list("head", flat=True).first()
    return head is not None and head >= write.seq


def begin_instead_of(value: str) -> tuple[str, bool]:
    """A new epoch, unless another process has begun one at this moment: nobody may begin one because another one was begun."""
    new = secrets.token_hex(8)
    is_begun = bool(Epoch.objects.filter(id=1, value=value).update(value=new))
    if not is_begun:
        new = epoch_value()
    else:
        logger.warning("the database knows less than was last written: it went back. Browsers start afresh")
    last_write.adopt(value)
    last_write.adopt(new)
    last_write.found = last_write.first = last_write.newest = None
    last_write.is_saved = False
    last_write.save()
    return new, is_begun


db_errors.after_connecting.append(look_back)
