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

VISIBLE_SECONDS, RENEW_SECONDS, RECORD_SECONDS, POLL_SECONDS = 60.0, 30.0, 60.0, 1.0


@dataclass(slots=True)
class UserActivity:
    sockets: int = 0
    visible_at: float | None = None
    disconnected_at: float | None = None
    renewed_at: float | None = None
    """Set while this process holds a lease of theirs."""
    recorded_at: float | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now: leases to renew, leases to end, people whose "last seen" is to be written."""

    renew: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    record: list[int] = field(default_factory=list)


class ActivityTracker:
    """The activity book. `away_after` is how long somebody without a socket still counts as here: a reload must not flicker."""

    def __init__(self) -> None:
        self.users: dict[int, UserActivity] = {}

    def connected(self, user_id: int) -> None:
        activity = self.users.setdefault(user_id, UserActivity())
        activity.sockets += 1
        activity.disconnected_at = None

    def disconnected(self, user_id: int, now: float) -> None:
        activity = self.users[user_id]
        activity.sockets -= 1
        if not activity.sockets:
            activity.disconnected_at = now
            if activity.renewed_at is None:
                del self.users[user_id]

    def active(self, user_id: int, now: float) -> bool:
        """A tab of theirs is visible. Returns whether they were away until now."""
        activity = self.users[user_id]
        activity.visible_at = now
        return activity.renewed_at is None

    def due(self, now: float, *, away_after: float) -> Due:
        due = Due()
        for user_id, activity in tuple(self.users.items()):
            is_here = self.is_here(activity, now, away_after)
            if is_here and activity.sockets and is_past(activity.renewed_at, RENEW_SECONDS, now):
                activity.renewed_at = now
                due.renew.append(user_id)
            elif not is_here and activity.renewed_at is not None:
                activity.renewed_at = None
                due.end.append(user_id)
                if not activity.sockets:
                    del self.users[user_id]
            else:
                continue
            if is_past(activity.recorded_at, RECORD_SECONDS, now):
                activity.recorded_at = now
                due.record.append(user_id)
        return due

    @staticmethod
    def is_here(activity: UserActivity, now: float, away_after: float) -> bool:
        if activity.visible_at is None or now - activity.visible_at >= VISIBLE_SECONDS:
            return False
        return activity.disconnected_at is None or now - activity.disconnected_at < away_after


def is_past(moment: float | None, seconds: float, now: float) -> bool:
    return moment is None or now - moment >= seconds


class ActivityMonitor:
    """The tracker of one event loop. It runs while anybody is in it."""

    def __init__(self) -> None:
        self.tracker = ActivityTracker()
        self.holder = secrets.token_hex(8)
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def join(self, user_id: int) -> None:
        self.tracker.connected(user_id)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self.run())

    def leave(self, user_id: int) -> None:
        self.tracker.disconnected(user_id, time.monotonic())
        if not self.tracker.users and self.task is not None:
            self.task.cancel()
            # Whoever joins before the cancelled task has noticed needs a new one.
            self.task = None

    def active(self, user_id: int) -> None:
        if self.tracker.active(user_id, time.monotonic()):
            self.wake.set()

    async def run(self) -> None:
        while self.tracker.users:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), POLL_SECONDS)
            self.wake.clear()
            try:
                await self.poll()
            except Busy:
                logger.warning("the database is away or overloaded; who is here is looked at again")
            except Exception:
                # Without this nobody who is connected would be online from here on.
                logger.exception("a look at who is here failed; the next one covers it")

    async def poll(self) -> None:
        due = self.tracker.due(time.monotonic(), away_after=settings.AWAY_AFTER_MS / 1000)
        if due.record:
            await self.record(due.record)
        if due.renew:
            await run_cache_query(presence.lease_renew, due.renew, holder=self.holder)
        if due.end:
            await run_cache_query(presence.lease_end, due.end, holder=self.holder)

    @staticmethod
    async def record(user_ids: list[int]) -> None:
        """Before the leases, so that whoever hears that somebody has gone reads when. Without a database the leases go on."""
        try:
            await run_query(last_seen_update, user_ids, datetime.now(UTC))
        except Busy:
            logger.warning("the database is away; when people were last seen is not written")


_monitors: dict[asyncio.AbstractEventLoop, ActivityMonitor] = {}


def activity_monitor() -> ActivityMonitor:
    """The tracker of the running loop; a closed loop takes its own along."""
    loop = asyncio.get_running_loop()
    for other in [known for known in _monitors if known.is_closed()]:
        del _monitors[other]
    if loop not in _monitors:
        _monitors[loop] = ActivityMonitor()
    return _monitors[loop]
