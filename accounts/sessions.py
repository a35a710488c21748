"""Session engine (SESSION_ENGINE): Django's database sessions, queried for well-formed keys only.

Also renews sessions in use and deletes expired ones.
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
"""The cookie name of earlier versions; accepted until the browser has the new cookie."""
OTHER_PORT = re.compile(r"port[0-9]{1,5}-sessionid")
MAX_NAMES = 5
RENEW_EVERY = timedelta(days=1)
SWEEP_BATCH = CHUNK = 500


def is_session_key(value: object) -> bool:
    """The format of Django's keys. PostgreSQL raises an error for NUL; other values would waste a query."""
    return isinstance(value, str) and len(value) == 32 and KEY.fullmatch(value) is not None


def session_keys_in(cookies: Mapping[str, str]) -> list[str]:
    """Session keys from the cookie with the current name, else from former names and those of other ports.

    Without TLS the cookie name includes the port, and each process behind a proxy has its own port. Keys of
    other services on this host are not in our table.
    """
    name = settings.SESSION_COOKIE_NAME
    others = [OLD_COOKIE_NAME, *filter(OTHER_PORT.fullmatch, cookies)][:MAX_NAMES]
    names = [name] if name in cookies or name.startswith("__") else others
    return [cookies[name] for name in names if is_session_key(cookies.get(name))]


class SessionStore(DatabaseStore):
    """Rejects malformed keys; the base class queries the database for any text of eight characters.

    Args:
        others: keys to try in order if the first one has no session.
    """

    def __init__(self, session_key: str | None = None, others: Sequence[str] = ()) -> None:
        super().__init__(session_key)
        self.others = list(others)

    expires_at: datetime | None = None
    """Expiry of the row that was read."""
    was_flushed = False
    """This request has ended the session. Otherwise a missing session is no reason to delete the cookie."""

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
        """Is the last renewal more than a day ago?"""
        return self.expires_at is not None and is_due(self.expires_at, timezone.now())


def lifetime() -> timedelta:
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)


def is_due(expires_at: datetime, now: datetime) -> bool:
    return expires_at < now + lifetime() - RENEW_EVERY


def sessions_renew(session_keys: Collection[str], *, now: datetime | None = None) -> int:
    """Extend sessions in use by SESSION_COOKIE_AGE, if their last renewal is more than a day ago.

    Updates only the expiry, and only of valid rows: saving the whole session would undo changes of a
    concurrent request, or restore a session that it has ended.

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
        # Check first: on SQLite even an update of no rows waits for the write lock.
        if rows.exists():
            renewed += rows.update(expire_date=now + lifetime())
    return renewed


def sessions_sweep(*, now: datetime | None = None, limit: int = SWEEP_BATCH) -> int:
    """Delete a batch of expired sessions, in a short transaction. Returns how many."""
    rows = DatabaseStore.get_model_class().objects
    expired = list(
        rows.filter(expire_date__lt=now or timezone.now())
        .order_by("expire_date")
        .values_list("pk", flat=True)[:limit]
    )
    if expired:
        rows.filter(pk__in=expired, expire_date__lt=now or timezone.now()).delete()
    return len(expired)
