"""Who is here in this process: people with a socket and a tab that was visible within the last minute. Keeps their leases running.

One beat a second for the whole process, whatever the number of sockets; the reckoning is pure, with the clock passed in.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings

from accounts.services import last_seen_update
from conversations import presence
from conversations.db.executor import run_cache_query, run_query
from conversations.exceptions import Busy

logger = logging.getLogger(__name__)

VISIBLE_SECONDS, RENEW_SECONDS, NOTE_SECONDS, BEAT_SECONDS = 60.0, 30.0, 60.0, 1.0


@dataclass(slots=True)
class Guest:
    sockets: int = 0
    visible_at: float | None = None
    left_at: float | None = None
    renewed_at: float | None = None
    """Set while this process holds a lease of theirs."""
    noted_at: float | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now: leases to renew, leases to end, people whose "last seen" is to be written."""

    renew: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    note: list[int] = field(default_factory=list)


class Register:
    """The guest book. `away_after` is how long somebody without a socket still counts as here: a reload must not flicker."""

    def __init__(self) -> None:
        self.guests: dict[int, Guest] = {}

    def came(self, user_id: int) -> None:
        guest = self.guests.setdefault(user_id, Guest())
        guest.sockets += 1
        guest.left_at = None

    def left(self, user_id: int, now: float) -> None:
        guest = self.guests[user_id]
        guest.sockets -= 1
        if not guest.sockets:
            guest.left_at = now
            if guest.renewed_at is None:
                del self.guests[user_id]

    def seen(self, user_id: int, now: float) -> bool:
        """A tab of theirs is visible. Returns whether they were away until now."""
        guest = self.guests[user_id]
        guest.visible_at = now
        return guest.renewed_at is None

    def due(self, now: float, *, away_after: float) -> Due:
        due = Due()
        for user_id, guest in tuple(self.guests.items()):
            is_here = self.is_here(guest, now, away_after)
            if is_here and guest.sockets and is_past(guest.renewed_at, RENEW_SECONDS, now):
                guest.renewed_at = now
                due.renew.append(user_id)
            elif not is_here and guest.renewed_at is not None:
                guest.renewed_at = None
                due.end.append(user_id)
                if not guest.sockets:
                    del self.guests[user_id]
            else:
                continue
            if is_past(guest.noted_at, NOTE_SECONDS, now):
                guest.noted_at = now
                due.note.append(user_id)
        return due

    @staticmethod
    def is_here(guest: Guest, now: float, away_after: float) -> bool:
        if guest.visible_at is None or now - guest.visible_at >= VISIBLE_SECONDS:
            return False
        return guest.left_at is None or now - guest.left_at < away_after


def is_past(moment: float | None, seconds: float, now: float) -> bool:
    return moment is None or now - moment >= seconds


class Attendance:
    """The register of one event loop. It runs while anybody is in it."""

    def __init__(self) -> None:
        self.register = Register()
        self.holder = secrets.token_hex(8)
        self.bell = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def join(self, user_id: int) -> None:
        self.register.came(user_id)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self.run())

    def leave(self, user_id: int) -> None:
        self.register.left(user_id, time.monotonic())
        if not self.register.guests and self.task is not None:
            self.task.cancel()
            # Whoever joins before the cancelled task has noticed needs a new one.
            self.task = None

    def seen(self, user_id: int) -> None:
        if self.register.seen(user_id, time.monotonic()):
            self.bell.set()

    async def run(self) -> None:
        while self.register.guests:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.bell.wait(), BEAT_SECONDS)
            self.bell.clear()
            try:
                await self.beat()
            except Busy:
                logger.warning("the database is away or overloaded; who is here is looked at again")
            except Exception:
                # Without this nobody who is connected would be online from here on.
                logger.exception("a look at who is here failed; the next one covers it")

    async def beat(self) -> None:
        due = self.register.due(time.monotonic(), away_after=settings.AWAY_AFTER_MS / 1000)
        if due.note:
            await self.note(due.note)
        if due.renew:
            await run_cache_query(presence.lease_renew, due.renew, holder=self.holder)
        if due.end:
            await run_cache_query(presence.lease_end, due.end, holder=self.holder)

    @staticmethod
    async def note(user_ids: list[int]) -> None:
        """Before the leases, so that whoever hears that somebody has gone reads when. Without a database the leases go on."""
        try:
            await run_query(last_seen_update, user_ids, datetime.now(UTC))
        except Busy:
            logger.warning("the database is away; when people were last seen is not written")


_attendances: dict[asyncio.AbstractEventLoop, Attendance] = {}


def attendance() -> Attendance:
    """The register of the running loop; a closed loop takes its own along."""
    loop = asyncio.get_running_loop()
    for other in [known for known in _attendances if known.is_closed()]:
        del _attendances[other]
    if loop not in _attendances:
        _attendances[loop] = Attendance()
    return _attendances[loop]
