"""Whether somebody who came in is still in: asked again and again for as long as a socket lives (protocol.md P9).

A session and an account are read once at the handshake; sign-out, a new password or a suspension happen elsewhere afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.identity import Seal, seal_of
from accounts.models import User

CHUNK = 500
"""Credentials in one question; neither database takes an unlimited list."""


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
    """Those whose standing is no longer good. One statement for each CHUNK of them, whatever they are."""
    found: dict[Credential, Standing] = {}
    waiting = list(credentials)
    for start in range(0, len(waiting), CHUNK):
        found |= fallen_among(waiting[start : start + CHUNK])
    return found


def fallen_among(credentials: Sequence[Credential]) -> dict[Credential, Standing]:
    passwords = passwords_of(credentials)
    found = {}
    for credential in credentials:
        password = passwords.get((credential.session_key, credential.user_id))
        if password is None:
            found[credential] = Standing.LOST
        elif password != credential.password:
            found[credential] = Standing.RENEWED if is_kept(credential) else Standing.LOST
    return found


def passwords_of(credentials: Sequence[Credential]) -> dict[tuple[str, int], str]:
    """The stored digest for each (session, account) that is alive. Written out, because every batch of the journal asks it."""
    types = ("(%s::varchar, %s::bigint)" if connection.vendor == "postgresql" else "(%s, %s)",)
    rows = ", ".join([*types, *["(%s, %s)"] * (len(credentials) - 1)])
    sql = (
        f"WITH known (session_key, user_id) AS (VALUES {rows})"
        " SELECT k.session_key, k.user_id, u.password FROM known k"
        " JOIN django_session s ON s.session_key = k.session_key AND s.expire_date > %s"
        " JOIN accounts_user u ON u.id = k.user_id AND u.is_active"
    )
    values: list[Any] = [value for credential in credentials for value in (credential.session_key, credential.user_id)]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, connection.ops.adapt_datetimefield_value(timezone.now())])
        return {(session_key, user_id): password for session_key, user_id, password in cursor.fetchall()}


def is_kept(credential: Credential) -> bool:
    """Does the session carry the new password's digest? Asked only after a password has changed."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(credential.session_key)
    user = User.objects.filter(pk=credential.user_id).first()
    return user is not None and seal_of(store, user) is not Seal.WRONG
