"""Devices: one row for each session, with user agent, creation and last use. No IP address is stored.

Knows no sockets: conversations closes them when it receives `session_revoked` (accounts/signals.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import Device, User
from accounts.session_validity import Credential, has_current_secret
from accounts.sessions import RENEW_EVERY, SWEEP_BATCH
from accounts.signals import session_revoked
from accounts.user_agents import DeviceDescription, describe_device

RECORD_EVERY = timedelta(minutes=1)
MAX_LISTED = 100
USER_AGENT_READ = 1_000
"""Characters examined. Real user agents have about two hundred; a header may have sixteen thousand."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A session as shown to its owner."""

    id: str
    appearance: DeviceDescription
    since: datetime
    active_at: datetime
    is_this: bool


def device_record(*, user: User, session_key: str, user_agent: str, now: datetime, before: str = "") -> None:
    """Record that this session was used, at most once in RECORD_EVERY, so that not every page costs a write.

    Args:
        before: the session key that the browser sent, if the request has rotated it: still the same device.
    """
    # The session key gives access to the account, so only its digest goes into the cache.
    cache_key = f"device:{sha256(session_key.encode()).hexdigest()[:32]}"
    if not cache.add(cache_key, True, timeout=RECORD_EVERY.total_seconds()):
        return
    readable = "".join(char for char in user_agent[:USER_AGENT_READ] if char.isprintable())[:200]
    seen = {"user_agent": readable, "active_at": now}
    with transaction.atomic():
        if before and before != session_key:
            Device.objects.filter(user=user, session_key=before).update(session_key=session_key)
        Device.objects.update_or_create(
            session_key=session_key,
            defaults={"user": user, **seen},
            create_defaults={"user": user, "created_at": now, **seen},
        )


def devices_list(*, user: User, session_key: str) -> list[DeviceView]:
    """The current device first, then by last use. Deletes the rows of sessions that have ended otherwise."""
    valid: list[Device] = []
    expired: list[Device] = []
    for device in Device.objects.filter(user=user).order_by("-active_at", "-pk")[:MAX_LISTED]:
        (valid if has_current_secret(Credential(device.session_key, user.pk, "")) else expired).append(device)
    Device.objects.filter(pk__in=[device.pk for device in expired]).delete()
    found = [
        DeviceView(
            device.public_id,
            describe_device(device.user_agent),
            device.created_at,
            device.active_at,
            device.session_key == session_key,
        )
        for device in valid
    ]
    return sorted(found, key=lambda device: not device.is_this)


def device_revoke(*, user: User, device_id: str, session_key: str) -> bool:
    """Revoke another session of this user, never the current one. False if it does not exist (any more)."""
    device = Device.objects.filter(user=user, public_id=device_id).exclude(session_key=session_key).first()
    if device is None:
        return False
    revoke([device])
    return True


def devices_revoke_others(*, user: User, session_key: str) -> int:
    """Revoke every other session. Returns how many."""
    others = list(Device.objects.filter(user=user).exclude(session_key=session_key))
    revoke(others)
    return len(others)


def devices_sweep(*, now: datetime | None = None, limit: int = SWEEP_BATCH) -> int:
    """Delete a batch of devices whose session has expired. Returns how many."""
    valid = Session.objects.filter(session_key=OuterRef("session_key"))
    unused = Device.objects.filter(~Exists(valid), active_at__lt=(now or timezone.now()) - RENEW_EVERY)
    expired = list(unused.values_list("pk", flat=True)[:limit])
    if expired:
        Device.objects.filter(pk__in=expired).delete()
    return len(expired)


@transaction.atomic
def revoke(devices: list[Device]) -> None:
    """Deletes the session first: without it every request and command is rejected (docs/protocol.md P9)."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for device in devices:
        store().delete(device.session_key)
        device.delete()
        session_revoked.send(sender=Device, session_key=device.session_key)
