"""Where somebody is signed in: a row for every session, with the browser's own words and two moments. No address is kept.

Knows no sockets: whoever has some hears `session_revoked` (accounts/signals.py).
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
from accounts.sessions import RENEW_EVERY, SWEPT_AT_ONCE
from accounts.signals import session_revoked
from accounts.user_agents import DeviceDescription, describe_device

NOTE_EVERY = timedelta(minutes=1)
MOST_LISTED = 100
USER_AGENT_READ = 1_000
"""Real ones have two hundred characters; a header may have sixteen thousand."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A session as its owner sees it."""

    id: str
    appearance: DeviceDescription
    since: datetime
    active_at: datetime
    is_this: bool


def device_record(*, user: User, session_key: str, user_agent: str, now: datetime, before: str = "") -> None:
    """This session was used just now. Written at most once in NOTE_EVERY: a page must not cost a write.

    Args:
        before: the key that the browser came with, when the request has changed it: the same device under a new name.
    """
    # The key itself opens the account: it goes into no cache.
    mark = f"device:{sha256(session_key.encode()).hexdigest()[:32]}"
    if not cache.add(mark, True, timeout=NOTE_EVERY.total_seconds()):
        return
    words = "".join(char for char in user_agent[:USER_AGENT_READ] if char.isprintable())[:200]
    seen = {"user_agent": words, "active_at": now}
    with transaction.atomic():
        if before and before != session_key:
            Device.objects.filter(user=user, session_key=before).update(session_key=session_key)
        Device.objects.update_or_create(
            session_key=session_key,
            defaults={"user": user, **seen},
            create_defaults={"user": user, "created_at": now, **seen},
        )


def devices_list(*, user: User, session_key: str) -> list[DeviceView]:
    """This one first, then the latest used. Sessions that have ended otherwise leave the list by being looked at."""
    alive: list[Device] = []
    over: list[Device] = []
    for device in Device.objects.filter(user=user).order_by("-active_at", "-pk")[:MOST_LISTED]:
        (alive if has_current_secret(Credential(device.session_key, user.pk, "")) else over).append(device)
    Device.objects.filter(pk__in=[device.pk for device in over]).delete()
    found = [
        DeviceView(
            device.public_id,
            describe_device(device.user_agent),
            device.created_at,
            device.active_at,
            device.session_key == session_key,
        )
        for device in alive
    ]
    return sorted(found, key=lambda device: not device.is_this)


def device_revoke(*, user: User, device_id: str, session_key: str) -> bool:
    """End another session of this person; never the one that asks. False when there is none, or no longer."""
    device = Device.objects.filter(user=user, public_id=device_id).exclude(session_key=session_key).first()
    if device is None:
        return False
    end([device])
    return True


def devices_revoke_others(*, user: User, session_key: str) -> int:
    """End every other session. Returns how many."""
    others = list(Device.objects.filter(user=user).exclude(session_key=session_key))
    end(others)
    return len(others)


def devices_sweep(*, now: datetime | None = None, most: int = SWEPT_AT_ONCE) -> int:
    """Forget some of the devices whose session is over. Returns how many."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    unused = Device.objects.filter(~Exists(alive), active_at__lt=(now or timezone.now()) - RENEW_EVERY)
    over = list(unused.values_list("pk", flat=True)[:most])
    if over:
        Device.objects.filter(pk__in=over).delete()
    return len(over)


@transaction.atomic
def end(devices: list[Device]) -> None:
    """The session first: without it no request and no command is answered (protocol.md P9)."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for device in devices:
        store().delete(device.session_key)
        device.delete()
        session_revoked.send(sender=Device, session_key=device.session_key)
