"""Restore detection: the epoch of the database, and how a process notices that the database went back (P11).

A restored backup, or a replica that took over and lagged behind, lacks messages that were acknowledged.
Others soon take their numbers, so numbers alone prove nothing: each process remembers some of its last writes
as (room, seq, id) and checks, on every new connection and once a second, that each row is still that message.
If one is not, a new epoch begins, and browsers drop what they kept.

Every memory carries the epoch it was made in. Of several processes that notice, one begins the epoch (the
update names the old value); the others see an epoch other than that of their memory and drop the memory. The
last write is also kept in a file, for the next start.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from conversations.db import errors as db_errors
from conversations.models import Conversation, Epoch, Message

logger = logging.getLogger(__name__)
FILE = "last-write"
SAVE_SECONDS = 1.0
FORMER_EPOCHS = 20
VERSION_SIGN = "v"
"""Begins the version in the file; the names of epochs are hexadecimal."""


class Write(NamedTuple):
    """One acknowledged message, or a change of one. Without an id (a file of an earlier release) only numbers
    can be compared. `version` numbers the change; a later one is as good, because versions only grow."""

    room: str
    seq: int
    id: UUID | None = None
    version: int = 0


@dataclass(slots=True)
class LastWrite:
    """What this process remembers: the write it last found in the database, the first one after that, and the
    newest.

    A database loses its end, so the newest write is missing first. The other two are for a database that
    changed beneath a connection which stayed open (a pooler in between): there the newest may already be a
    write of the new history.
    """

    found: Write | None = None
    first: Write | None = None
    newest: Write | None = None
    epoch: str = ""
    former: list[str] = field(default_factory=list)
    """Epochs before that one. A database that has one of them again was restored from before it ended."""
    saved_at: float = 0.0
    is_saved: bool = True

    def note(self, write: Write) -> None:
        """Call it only after the commit is certain."""
        if self.first is None:
            self.first = write
        self.newest, self.is_saved = write, False

    def writes(self) -> list[Write]:
        return list(
            dict.fromkeys(write for write in (self.found, self.first, self.newest) if write is not None)
        )

    def confirm(self, writes: Sequence[Write]) -> None:
        """These writes are in the database."""
        self.found = writes[-1]
        if self.first in writes:
            self.first = None

    def adopt(self, epoch: str) -> None:
        """Another epoch has begun: forget the writes of the one before."""
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
        """Not flushed to the disk: after a power cut the file has an older line, which is equally true."""
        if self.is_saved:
            return
        path = file_path()
        newest = self.newest
        fields = [newest.room, str(newest.seq), str(newest.id or "-")] if newest else ["-", "0", "-"]
        # Last, where an earlier release reads it as one more former epoch, which no database has.
        version = [f"{VERSION_SIGN}{newest.version}"] if newest and newest.version else []
        try:
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            draft.write_text(" ".join([*fields, self.epoch or "-", *self.former, *version]) + "\n")
            draft.replace(path)
            self.is_saved = True
        except OSError as error:
            logger.info("the last write could not be saved (%s)", error.strerror)

    def load(self) -> None:
        self.found = self.first = self.newest = None
        self.epoch, self.former = "", []
        try:
            # An earlier release wrote the first two fields only.
            room, seq, id, epoch, *former = [*file_path().read_text().split(), "-", "-"]
            versions = [int(name[1:]) for name in former if name.startswith(VERSION_SIGN)]
            write = Write(room, int(seq), None if id == "-" else UUID(id), *versions[:1])
        except (OSError, ValueError):
            return
        if write.seq > 0:
            self.newest = write
        self.epoch = "" if epoch == "-" else epoch
        self.former = [name for name in former if name != "-" and not name.startswith(VERSION_SIGN)]

    def forget(self) -> None:
        self.found = self.first = self.newest = None
        self.epoch, self.former, self.is_saved = "", [], True
        file_path().unlink(missing_ok=True)


last_write = LastWrite()
checking = threading.Lock()
"""Two threads that check at once could take the epoch that one of them begins for a former one."""


def file_path() -> Path:
    return Path(settings.DATA_DIR) / FILE


def begin_epoch() -> str:
    """By the operator's command. Every browser drops what it kept, except what it has not sent yet, and reads
    again."""
    before = epoch_value()
    value = secrets.token_hex(8)
    Epoch.objects.update_or_create(id=1, defaults={"value": value})
    # Adopted first, so that the value of the backup counts as a former one.
    last_write.adopt(before)
    last_write.adopt(value)
    last_write.newest = last_write.found = last_write.first = None
    last_write.is_saved = False
    last_write.save()
    return value


def renew_epoch_if_restored() -> bool:
    """Check that the database still has the last writes; begin an epoch if not. Two statements by key.
    Returns whether one began.

    Raises: django.db.Error.
    """
    return check_epoch()[1]


def current_epoch() -> str:
    """The epoch of the database, after checking whether the database went back."""
    return check_epoch()[0]


def check_epoch() -> tuple[str, bool]:
    if not checking.acquire(blocking=False):
        # Another thread of this process is checking at this moment.
        return epoch_value(), False
    try:
        return check_epoch_alone()
    finally:
        checking.release()


def epoch_value() -> str:
    """Empty before the first migration has ended."""
    return Epoch.objects.filter(id=1).values_list("value", flat=True).first() or ""


def check_epoch_alone() -> tuple[str, bool]:
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
    return replace_epoch(value)


def are_stored(writes: Sequence[Write]) -> bool:
    wanted = Q()
    for write in writes:
        wanted |= Q(conversation__room_name=write.room, seq=write.seq)
    rows = Message.objects.filter(wanted).values_list(
        "conversation__room_name", "seq", "client_id", "version"
    )
    found = {(room, seq): (id, version) for room, seq, id, version in rows}
    return all(is_found(write, *found.get((write.room, write.seq), (None, 0))) for write in writes)


def is_found(write: Write, id: UUID | None, version: int) -> bool:
    return id == write.id and version >= write.version if write.id else is_reached(write)


def is_reached(write: Write) -> bool:
    """By numbers: the head may number a later change."""
    head = Conversation.objects.filter(room_name=write.room).values_list("head", flat=True).first()
    return head is not None and head >= write.seq


def replace_epoch(value: str) -> tuple[str, bool]:
    """Begin a new epoch, unless another process has just begun one: a new epoch must never cause the next."""
    new = secrets.token_hex(8)
    is_begun = bool(Epoch.objects.filter(id=1, value=value).update(value=new))
    if not is_begun:
        new = epoch_value()
    else:
        logger.warning("the database lacks the last writes: it went back. Browsers drop what they kept")
    last_write.adopt(value)
    last_write.adopt(new)
    last_write.found = last_write.first = last_write.newest = None
    last_write.is_saved = False
    last_write.save()
    return new, is_begun


db_errors.after_connecting.append(renew_epoch_if_restored)
