"""Activity monitor: keeps the presence leases of this process's active users running.

A user is active with an open socket and a tab that was visible within the last minute. One poll a second
serves the whole process, whatever the number of sockets; `ActivityTracker` decides, with the clock passed in.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings

from accounts.services import last_seen_update
from conversations import presence
from conversations.db.executor import run_cache_query, run_query
from conversations.exceptions import Busy
from conversations.monitors.periodic import PeriodicTask, PerLoop

logger = logging.getLogger(__name__)

VISIBLE_SECONDS, RENEW_SECONDS, RECORD_SECONDS, POLL_SECONDS = 60.0, 30.0, 60.0, 1.0


@dataclass(slots=True)
class UserActivity:
    sockets: int = 0
    visible_at: float | None = None
    disconnected_at: float | None = None
    renewed_at: float | None = None
    """Set while this process holds a lease for the user."""
    recorded_at: float | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is due now, as user ids: leases to renew, leases to end, "last seen" moments to write."""

    renew: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    record: list[int] = field(default_factory=list)


class ActivityTracker:
    """Who is active, and which leases follow from it.

    `grace_seconds` is how long a user without a socket still counts: a reload must not flicker.
    """

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
        """The user has a visible tab. Returns whether they were inactive until now."""
        activity = self.users[user_id]
        activity.visible_at = now
        return activity.renewed_at is None

    def due(self, now: float, *, grace_seconds: float) -> Due:
        due = Due()
        for user_id, activity in tuple(self.users.items()):
            is_online = self.is_online(activity, now, grace_seconds)
            if is_online and activity.sockets and is_past(activity.renewed_at, RENEW_SECONDS, now):
                activity.renewed_at = now
                due.renew.append(user_id)
            elif not is_online and activity.renewed_at is not None:
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
    def is_online(activity: UserActivity, now: float, grace_seconds: float) -> bool:
        if activity.visible_at is None or now - activity.visible_at >= VISIBLE_SECONDS:
            return False
        return activity.disconnected_at is None or now - activity.disconnected_at < grace_seconds


def is_past(moment: float | None, seconds: float, now: float) -> bool:
    return moment is None or now - moment >= seconds


class ActivityMonitor:
    """Tracks one event loop's users and writes what is due; polls while at least one is tracked."""

    def __init__(self) -> None:
        self.tracker = ActivityTracker()
        self.holder = secrets.token_hex(8)
        self.task = PeriodicTask(
            self.poll, seconds=lambda: POLL_SECONDS, logger=logger, name="the renewal of presence leases"
        )

    def join(self, user_id: int) -> None:
        self.tracker.connected(user_id)
        self.task.start()

    def leave(self, user_id: int) -> None:
        self.tracker.disconnected(user_id, time.monotonic())
        if not self.tracker.users:
            self.task.stop()

    def active(self, user_id: int) -> None:
        if self.tracker.active(user_id, time.monotonic()):
            self.task.wake()

    async def poll(self) -> None:
        due = self.tracker.due(time.monotonic(), grace_seconds=settings.AWAY_AFTER_MS / 1000)
        if due.record:
            await self.record(due.record)
        if due.renew:
            await run_cache_query(presence.lease_renew, due.renew, holder=self.holder)
        if due.end:
            await run_cache_query(presence.lease_end, due.end, holder=self.holder)
        if not self.tracker.users:
            self.task.stop()

    @staticmethod
    async def record(user_ids: list[int]) -> None:
        """Before the leases, so that a client that learns of an end reads when it was.

        Without a database the leases go on.
        """
        try:
            await run_query(last_seen_update, user_ids, datetime.now(UTC))
        except Busy:
            logger.warning("the database is unavailable; last-seen moments are not written")


activity_monitor = PerLoop(ActivityMonitor)
