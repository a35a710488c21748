"""Whether somebody who came in is still in: asked again and again for as long as a socket lives (protocol.md P9).

A session and an account are read once at the handshake; sign-out, a new password or a suspension happen elsewhere afterwards.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User

CHUNK = 500
"""Keys in one question; SQLite takes no unlimited list."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody came in with. `password` is the stored digest of that moment: another one means another password."""

    session_key: str
    user_id: int
    password: str


class Standing(StrEnum):
    GOOD = "good"
    RENEWED = "renewed"
    """The password has changed, and this session was kept."""
    LOST = "lost"


def credential_of(user: User, session_key: str) -> Credential:
    return Credential(session_key, user.pk, user.password)


def standing_of(credential: Credential) -> Standing:
    return fallen({credential}).get(credential, Standing.GOOD)


def fallen(credentials: Collection[Credential]) -> dict[Credential, Standing]:
    """Those whose standing is no longer good. Two statements for each CHUNK of them, whatever they are."""
    found: dict[Credential, Standing] = {}
    waiting = list(credentials)
    for start in range(0, len(waiting), CHUNK):
        found |= fallen_among(waiting[start : start + CHUNK])
    return found


def fallen_among(credentials: Collection[Credential]) -> dict[Credential, Standing]:
    keys = {credential.session_key for credential in credentials}
    alive = set(Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list("session_key", flat=True))
    passwords = dict(User.objects.filter(pk__in={c.user_id for c in credentials}, is_active=True).values_list("pk", "password"))
    found = {}
    for credential in credentials:
        password = passwords.get(credential.user_id)
        if password is None or credential.session_key not in alive:
            found[credential] = Standing.LOST
        elif password != credential.password:
            found[credential] = Standing.RENEWED if is_kept(credential) else Standing.LOST
    return found


def is_kept(credential: Credential) -> bool:
    """Does the session carry the new password's digest? Asked only after a password has changed."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(credential.session_key)
    user = User.objects.filter(pk=credential.user_id).first()
    return user is not None and constant_time_compare(store.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
