"""The session engine (SESSION_ENGINE): Django's rows in the database, asked only for keys that can be one.

Knows also how a session is renewed while it is used, and how those that are over leave the table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

KEY = re.compile(r"[a-z0-9]{32}")
OLD_COOKIE_NAME = "sessionid"
"""The cookie's name of earlier versions; accepted until the browser has the new one."""
OTHER_PORT = re.compile(r"port[0-9]{1,5}-sessionid")
MOST_NAMES = 5
RENEW_EVERY = timedelta(days=1)
SWEPT_AT_ONCE = CHUNK = 500


def is_session_key(value: object) -> bool:
    """As Django makes them. A NUL in a cookie would be an error of PostgreSQL, a long value work for nothing."""
    return isinstance(value, str) and len(value) == 32 and KEY.fullmatch(value) is not None


def session_keys_in(cookies: Mapping[str, str]) -> list[str]:
    """The session keys that a browser brings: the one under our name; without one, those under names that were ours or are another process's.

    Without TLS the name carries the port, and the processes behind a proxy have a port each. What belongs to another service of this host is
    not in our table.
    """
    name = settings.SESSION_COOKIE_NAME
    others = [OLD_COOKIE_NAME, *filter(OTHER_PORT.fullmatch, cookies)][:MOST_NAMES]
    names = [name] if name in cookies or name.startswith("__") else others
    return [cookies[name] for name in names if is_session_key(cookies.get(name))]


class SessionStore(DatabaseStore):
    """As its base, which asks the database for any text of eight characters.

    Args:
        others: keys to be tried, in order, where there is no session of the first one.
    """

    def __init__(self, session_key: str | None = None, others: Sequence[str] = ()) -> None:
        super().__init__(session_key)
        self.others = list(others)

    expires_at: datetime | None = None
    """Of the row that was read."""
    was_flushed = False
    """This request has ended the session; otherwise one that is not there is no reason to take a cookie away."""

    def _validate_session_key(self, key: str | None) -> bool:
        return is_session_key(key)

    def _get_session_from_db(self) -> Any:
        row = super()._get_session_from_db()  # type: ignore[misc]
        while row is None and self.others:
            self._session_key = self.others.pop(0)
            row = super()._get_session_from_db()  # type: ignore[misc]
        self.expires_at = row.expire_date if row else None
        return row

    async def _aget_session_from_db(self) -> Any:
        row = await super()._aget_session_from_db()  # type: ignore[misc]
        while row is None and self.others:
            self._session_key = self.others.pop(0)
            row = await super()._aget_session_from_db()  # type: ignore[misc]
        self.expires_at = row.expire_date if row else None
        return row

    def flush(self) -> None:
        self.was_flushed = True
        super().flush()

    async def aflush(self) -> None:
        self.was_flushed = True
        await super().aflush()

    @property
    def is_due(self) -> bool:
        """Used for a day since it was last renewed."""
        return self.expires_at is not None and is_due(self.expires_at, timezone.now())


def lifetime() -> timedelta:
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)


def is_due(expires_at: datetime, now: datetime) -> bool:
    return expires_at < now + lifetime() - RENEW_EVERY


def sessions_renew(session_keys: Collection[str], *, now: datetime | None = None) -> int:
    """These are in use: each lives on for SESSION_COOKIE_AGE. Written for those only that have not been renewed for a day.

    The end alone is written, and only where the row is still alive: a save of the whole session would undo what another request has changed,
    or bring back what it has ended.

    Returns: how many were renewed.
    """
    now = now or timezone.now()
    renewed, keys = 0, list(session_keys)
    for start in range(0, len(keys), CHUNK):
        rows = DatabaseStore.get_model_class().objects.filter(
            session_key__in=keys[start : start + CHUNK],
            expire_date__gt=now,
            expire_date__lt=now + lifetime() - RENEW_EVERY,
        )
        # Looked at first: on SQLite even an update of nothing waits for the one writer.
        if rows.exists():
            renewed += rows.update(expire_date=now + lifetime())
    return renewed


def sessions_sweep(*, now: datetime | None = None, most: int = SWEPT_AT_ONCE) -> int:
    """Delete some of the sessions that are over. Bounded: whoever comes by does it on the side. Returns how many."""
    rows = DatabaseStore.get_model_class().objects
    over = list(
        rows.filter(expire_date__lt=now or timezone.now())
        .order_by("expire_date")
        .values_list("pk", flat=True)[:most]
    )
    if over:
        rows.filter(pk__in=over, expire_date__lt=now or timezone.now()).delete()
    return len(over)
